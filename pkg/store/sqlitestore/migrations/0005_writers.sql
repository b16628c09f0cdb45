-- +goose Up
-- Which writers of a tenant live, and until when, in microseconds of this database's clock; and which job is the last
-- call about a record of an unfinished batch.
CREATE TABLE writers (
  tenant TEXT NOT NULL,
  epoch  TEXT NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (tenant, epoch)
) WITHOUT ROWID;

ALTER TABLE batch_items ADD COLUMN job TEXT NOT NULL DEFAULT '';
