-- +goose Up
-- Times are microseconds since 1970 in UTC. Documents are text, not jsonb: they come back exactly as stored. Names sort
-- by bytes (COLLATE "C") whatever the database sorts by. Tables stand in the order of pkg/store.

CREATE TABLE tenants (
  tenant  text COLLATE "C" NOT NULL PRIMARY KEY,
  version bigint NOT NULL,
  doc     text NOT NULL,
  at      bigint NOT NULL
);

CREATE TABLE credentials (
  tenant  text COLLATE "C" NOT NULL,
  purpose text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  key_id  text COLLATE "C" NOT NULL,
  box     bytea NOT NULL,
  at      bigint NOT NULL,
  PRIMARY KEY (tenant, purpose)
);

CREATE TABLE data_keys (
  tenant text COLLATE "C" NOT NULL PRIMARY KEY,
  id     text COLLATE "C" NOT NULL,
  master text COLLATE "C" NOT NULL,
  box    bytea NOT NULL,
  at     bigint NOT NULL
);

-- One row at most: what the vault wrote to recognise its master key.
CREATE TABLE key_check (
  one integer NOT NULL PRIMARY KEY CHECK (one = 1),
  doc bytea NOT NULL
);

CREATE TABLE cycles (
  tenant  text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  kind    text COLLATE "C" NOT NULL,
  state   text COLLATE "C" NOT NULL,
  started bigint NOT NULL,
  body    text NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX cycles_started ON cycles (tenant, started DESC, id DESC);

CREATE TABLE ledger (
  tenant    text COLLATE "C" NOT NULL,
  kind      text COLLATE "C" NOT NULL,
  key       text COLLATE "C" NOT NULL,
  revision  bigint NOT NULL,
  facts     text NOT NULL,
  wanted    text NOT NULL,
  wanted_at bigint NOT NULL,
  published bigint NOT NULL,
  next_date text COLLATE "C" NOT NULL,
  config    bigint NOT NULL,
  email     text COLLATE "C" NOT NULL,
  at        bigint NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX ledger_unpublished ON ledger (tenant, at, kind, key) WHERE wanted_at > published;
CREATE INDEX ledger_due ON ledger (tenant, kind, key, next_date) WHERE next_date <> '';

CREATE TABLE links (
  tenant    text COLLATE "C" NOT NULL,
  kind      text COLLATE "C" NOT NULL,
  key       text COLLATE "C" NOT NULL,
  target_id text COLLATE "C" NOT NULL,
  version   bigint NOT NULL,
  digest    text COLLATE "C" NOT NULL,
  known     text NOT NULL,
  memory    text NOT NULL,
  state     text COLLATE "C" NOT NULL,
  at        bigint NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX links_state ON links (tenant, kind, state) WHERE target_id <> '';

CREATE TABLE batches (
  tenant  text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  epoch   text COLLATE "C" NOT NULL,
  jobs    text[] NOT NULL,
  started bigint NOT NULL,
  PRIMARY KEY (tenant, id)
);

-- The primary key is the promise that a record is never in two unfinished batches.
CREATE TABLE batch_items (
  tenant  text COLLATE "C" NOT NULL,
  kind    text COLLATE "C" NOT NULL,
  key     text COLLATE "C" NOT NULL,
  batch   text COLLATE "C" NOT NULL,
  n       integer NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (tenant, kind, key),
  FOREIGN KEY (tenant, batch) REFERENCES batches (tenant, id) ON DELETE CASCADE
);
CREATE INDEX batch_items_batch ON batch_items (tenant, batch, n);

CREATE TABLE quarantine (
  tenant text COLLATE "C" NOT NULL,
  kind   text COLLATE "C" NOT NULL,
  key    text COLLATE "C" NOT NULL,
  until  bigint NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);

CREATE TABLE findings (
  tenant text COLLATE "C" NOT NULL,
  kind   text COLLATE "C" NOT NULL,
  key    text COLLATE "C" NOT NULL,
  stage  text COLLATE "C" NOT NULL,
  code   text COLLATE "C" NOT NULL,
  hold   boolean NOT NULL,
  detail text NOT NULL,
  since  bigint NOT NULL,
  at     bigint NOT NULL,
  PRIMARY KEY (tenant, kind, key, stage, code)
);
CREATE INDEX findings_code ON findings (tenant, code, kind, key);

-- The last position given out per tenant. Whoever appends holds this row until the commit, so positions have no gaps
-- and become visible in order.
CREATE TABLE trails (
  tenant text COLLATE "C" NOT NULL PRIMARY KEY,
  last   bigint NOT NULL
);

CREATE TABLE audit (
  tenant   text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  id       text COLLATE "C" NOT NULL,
  kind     text COLLATE "C" NOT NULL,
  key      text COLLATE "C" NOT NULL,
  at       bigint NOT NULL,
  stage    text COLLATE "C" NOT NULL,
  outcome  text COLLATE "C" NOT NULL,
  cause    text COLLATE "C" NOT NULL,
  body     text NOT NULL,
  PRIMARY KEY (tenant, position)
);
CREATE UNIQUE INDEX audit_id ON audit (tenant, id);
CREATE INDEX audit_key ON audit (tenant, key, position);
CREATE INDEX audit_cause ON audit (tenant, cause, position);
CREATE INDEX audit_at ON audit (tenant, at);

-- Seals stand apart from the entries, so that the audit table is only ever inserted into.
CREATE TABLE seals (
  tenant   text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  hash     text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, position)
);

-- The end of each tenant's chain of seals.
CREATE TABLE chains (
  tenant   text COLLATE "C" NOT NULL PRIMARY KEY,
  position bigint NOT NULL,
  hash     text COLLATE "C" NOT NULL
);

CREATE TABLE streams (
  tenant  text COLLATE "C" NOT NULL,
  name    text COLLATE "C" NOT NULL,
  created bigint NOT NULL,
  PRIMARY KEY (tenant, name)
);
