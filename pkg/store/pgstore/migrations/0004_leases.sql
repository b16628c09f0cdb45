-- +goose Up
-- Who may do something for a tenant, and until when, in microseconds of this database's clock. The row stays when the
-- lease is given back, so that the fence never falls.
CREATE TABLE leases (
  tenant text COLLATE "C" NOT NULL,
  name   text COLLATE "C" NOT NULL,
  holder text COLLATE "C" NOT NULL,
  fence  bigint NOT NULL,
  until  bigint NOT NULL,
  PRIMARY KEY (tenant, name)
);
