-- +goose Up
-- Which address a linked object holds, so that whoever wants the address is told who has it before anything is written.
ALTER TABLE links ADD COLUMN email TEXT NOT NULL DEFAULT '';
UPDATE links SET email = lower(coalesce(json_extract(CAST(known AS TEXT), '$.user.email'), ''))
  WHERE target_id <> '' AND json_valid(CAST(known AS TEXT));
CREATE INDEX links_email ON links (tenant, email, kind, key) WHERE email <> '';
