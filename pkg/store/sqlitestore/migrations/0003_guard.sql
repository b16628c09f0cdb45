-- +goose Up
-- What the guard stopped: one counted change for each record, the holds that gather them, the changes that passed
-- (forgotten after a day) and the first loads. guards holds the number of the tenant's next hold; whoever judges locks it.
CREATE TABLE guards (
  tenant TEXT NOT NULL PRIMARY KEY,
  next   INTEGER NOT NULL
);

CREATE TABLE guard_items (
  tenant   TEXT NOT NULL,
  kind     TEXT NOT NULL,
  key      TEXT NOT NULL,
  change   TEXT NOT NULL,
  cause    TEXT NOT NULL,
  state    TEXT NOT NULL,
  hold     TEXT NOT NULL,
  content  TEXT NOT NULL,
  granted  TEXT NOT NULL,
  digest   TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  before   BLOB NOT NULL,
  after    BLOB NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX guard_items_state ON guard_items (tenant, state, kind, key);
CREATE INDEX guard_items_hold ON guard_items (tenant, hold, kind, key) WHERE hold <> '';

CREATE TABLE guard_passed (
  tenant   TEXT NOT NULL,
  change   TEXT NOT NULL,
  kind     TEXT NOT NULL,
  key      TEXT NOT NULL,
  revision INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (tenant, change, kind, key, revision)
) WITHOUT ROWID;
CREATE INDEX guard_passed_at ON guard_passed (tenant, at);

CREATE TABLE holds (
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  n       INTEGER NOT NULL,
  change  TEXT NOT NULL,
  kind    TEXT NOT NULL,
  cause   TEXT NOT NULL,
  state   TEXT NOT NULL,
  hash    TEXT NOT NULL,
  items   INTEGER NOT NULL,
  quota   INTEGER NOT NULL,
  passed  INTEGER NOT NULL,
  created INTEGER NOT NULL,
  decided INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  reason  TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX holds_n ON holds (tenant, n);

CREATE TABLE loads (
  tenant TEXT NOT NULL,
  kind   TEXT NOT NULL,
  began  INTEGER NOT NULL,
  ended  INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind)
) WITHOUT ROWID;
