-- +goose Up
-- Which writers of a tenant live, and until when, in microseconds of this database's clock; and which job is the last
-- call about a record of an unfinished batch.
CREATE TABLE writers (
  tenant text COLLATE "C" NOT NULL,
  epoch  text COLLATE "C" NOT NULL,
  until  bigint NOT NULL,
  PRIMARY KEY (tenant, epoch)
);

ALTER TABLE batch_items ADD COLUMN job text COLLATE "C" NOT NULL DEFAULT '';
