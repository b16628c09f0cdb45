-- +goose Up
-- Who may do something for a tenant, and until when, in microseconds of this database's clock. The row stays when the
-- lease is given back, so that the fence never falls.
CREATE TABLE leases (
  tenant TEXT NOT NULL,
  name   TEXT NOT NULL,
  holder TEXT NOT NULL,
  fence  INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
