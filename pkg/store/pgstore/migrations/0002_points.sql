-- +goose Up
-- Which reference data a record's resolution looked at, as a JSON array beside the row and as a table for the way back:
-- when a text changes, the records that point to it are found without a walk over the ledger.
ALTER TABLE ledger ADD COLUMN points text NOT NULL DEFAULT '';
CREATE INDEX ledger_email ON ledger (tenant, email, kind, key) WHERE email <> '';

CREATE TABLE points (
  tenant text COLLATE "C" NOT NULL,
  point  text COLLATE "C" NOT NULL,
  kind   text COLLATE "C" NOT NULL,
  key    text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, point, kind, key)
);
CREATE INDEX points_of ON points (tenant, kind, key);
