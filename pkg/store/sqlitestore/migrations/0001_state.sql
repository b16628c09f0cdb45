-- +goose Up
-- Times are microseconds since 1970 in UTC. Documents are bytes. Tables stand in the order of pkg/store;
-- those without large documents are kept in their primary key (WITHOUT ROWID), which saves a third of the writing.

CREATE TABLE tenants (
  tenant  TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  doc     BLOB NOT NULL,
  at      INTEGER NOT NULL
);

CREATE TABLE credentials (
  tenant  TEXT NOT NULL,
  purpose TEXT NOT NULL,
  version INTEGER NOT NULL,
  key_id  TEXT NOT NULL,
  box     BLOB NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (tenant, purpose)
);

CREATE TABLE data_keys (
  tenant TEXT NOT NULL PRIMARY KEY,
  id     TEXT NOT NULL,
  master TEXT NOT NULL,
  box    BLOB NOT NULL,
  at     INTEGER NOT NULL
);

-- One row at most: what the vault wrote to recognise its master key.
CREATE TABLE key_check (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  doc BLOB NOT NULL
);

CREATE TABLE cycles (
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  kind    TEXT NOT NULL,
  state   TEXT NOT NULL,
  started INTEGER NOT NULL,
  body    TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX cycles_started ON cycles (tenant, started DESC, id DESC);

CREATE TABLE ledger (
  tenant    TEXT NOT NULL,
  kind      TEXT NOT NULL,
  key       TEXT NOT NULL,
  revision  INTEGER NOT NULL,
  facts     BLOB NOT NULL,
  wanted    BLOB NOT NULL,
  wanted_at INTEGER NOT NULL,
  published INTEGER NOT NULL,
  next_date TEXT NOT NULL,
  config    INTEGER NOT NULL,
  email     TEXT NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX ledger_unpublished ON ledger (tenant, at, kind, key) WHERE wanted_at > published;
CREATE INDEX ledger_due ON ledger (tenant, kind, key, next_date) WHERE next_date <> '';

CREATE TABLE links (
  tenant    TEXT NOT NULL,
  kind      TEXT NOT NULL,
  key       TEXT NOT NULL,
  target_id TEXT NOT NULL,
  version   INTEGER NOT NULL,
  digest    TEXT NOT NULL,
  known     BLOB NOT NULL,
  memory    BLOB NOT NULL,
  state     TEXT NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX links_state ON links (tenant, kind, state) WHERE target_id <> '';

CREATE TABLE batches (
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  epoch   TEXT NOT NULL,
  jobs    TEXT NOT NULL, -- JSON array
  started INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
);

-- The primary key is the promise that a record is never in two unfinished batches.
CREATE TABLE batch_items (
  tenant  TEXT NOT NULL,
  kind    TEXT NOT NULL,
  key     TEXT NOT NULL,
  batch   TEXT NOT NULL,
  n       INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, key),
  FOREIGN KEY (tenant, batch) REFERENCES batches (tenant, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX batch_items_batch ON batch_items (tenant, batch, n);

CREATE TABLE quarantine (
  tenant TEXT NOT NULL,
  kind   TEXT NOT NULL,
  key    TEXT NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, key)
) WITHOUT ROWID;

CREATE TABLE findings (
  tenant TEXT NOT NULL,
  kind   TEXT NOT NULL,
  key    TEXT NOT NULL,
  stage  TEXT NOT NULL,
  code   TEXT NOT NULL,
  hold   INTEGER NOT NULL,
  detail TEXT NOT NULL,
  since  INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, key, stage, code)
) WITHOUT ROWID;
CREATE INDEX findings_code ON findings (tenant, code, kind, key);

-- The last position given out per tenant. Whoever appends holds this row until the commit, so positions have no gaps
-- and become visible in order.
CREATE TABLE trails (
  tenant TEXT NOT NULL PRIMARY KEY,
  last   INTEGER NOT NULL
);

CREATE TABLE audit (
  tenant   TEXT NOT NULL,
  position INTEGER NOT NULL,
  id       TEXT NOT NULL,
  kind     TEXT NOT NULL,
  key      TEXT NOT NULL,
  at       INTEGER NOT NULL,
  stage    TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  cause    TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (tenant, position)
) WITHOUT ROWID;
CREATE UNIQUE INDEX audit_id ON audit (tenant, id);
CREATE INDEX audit_key ON audit (tenant, key, position);
CREATE INDEX audit_cause ON audit (tenant, cause, position);
CREATE INDEX audit_at ON audit (tenant, at);

-- Seals stand apart from the entries, so that the audit table is only ever inserted into.
CREATE TABLE seals (
  tenant   TEXT NOT NULL,
  position INTEGER NOT NULL,
  hash     TEXT NOT NULL,
  PRIMARY KEY (tenant, position)
) WITHOUT ROWID;

-- The end of each tenant's chain of seals.
CREATE TABLE chains (
  tenant   TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  hash     TEXT NOT NULL
);

CREATE TABLE streams (
  tenant  TEXT NOT NULL,
  name    TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
);
