-- +goose Up
-- Which address a linked object holds, so that whoever wants the address is told who has it before anything is written.
ALTER TABLE links ADD COLUMN email text NOT NULL DEFAULT '';
UPDATE links SET email = lower(coalesce(substring(known FROM '"email":"([^"\\]+)"'), '')) WHERE target_id <> '';
CREATE INDEX links_email ON links (tenant, email, kind, key) WHERE email <> '';
