-- +goose Up
-- Which reference data a record's resolution looked at, as a JSON array beside the row and as a table for the way back:
-- when a text changes, the records that point to it are found without a walk over the ledger.
ALTER TABLE ledger ADD COLUMN points TEXT NOT NULL DEFAULT '';
CREATE INDEX ledger_email ON ledger (tenant, email, kind, key) WHERE email <> '';

CREATE TABLE points (
  tenant TEXT NOT NULL,
  point  TEXT NOT NULL,
  kind   TEXT NOT NULL,
  key    TEXT NOT NULL,
  PRIMARY KEY (tenant, point, kind, key)
) WITHOUT ROWID;
CREATE INDEX points_of ON points (tenant, kind, key);
