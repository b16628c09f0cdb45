-- +goose Up
-- What the guard stopped: one counted change for each record, the holds that gather them, the changes that passed
-- (forgotten after a day) and the first loads. guards holds the number of the tenant's next hold; whoever judges locks it.
CREATE TABLE guards (
  tenant text COLLATE "C" NOT NULL PRIMARY KEY,
  next   bigint NOT NULL
);

CREATE TABLE guard_items (
  tenant   text COLLATE "C" NOT NULL,
  kind     text COLLATE "C" NOT NULL,
  key      text COLLATE "C" NOT NULL,
  change   text COLLATE "C" NOT NULL,
  cause    text COLLATE "C" NOT NULL,
  state    text COLLATE "C" NOT NULL,
  hold     text COLLATE "C" NOT NULL,
  content  text COLLATE "C" NOT NULL,
  granted  text COLLATE "C" NOT NULL,
  digest   text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  at       bigint NOT NULL,
  before   text NOT NULL,
  after    text NOT NULL,
  PRIMARY KEY (tenant, kind, key)
);
CREATE INDEX guard_items_state ON guard_items (tenant, state, kind, key);
CREATE INDEX guard_items_hold ON guard_items (tenant, hold, kind, key) WHERE hold <> '';

CREATE TABLE guard_passed (
  tenant   text COLLATE "C" NOT NULL,
  change   text COLLATE "C" NOT NULL,
  kind     text COLLATE "C" NOT NULL,
  key      text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  at       bigint NOT NULL,
  PRIMARY KEY (tenant, change, kind, key, revision)
);
CREATE INDEX guard_passed_at ON guard_passed (tenant, at);

CREATE TABLE holds (
  tenant  text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  n       bigint NOT NULL,
  change  text COLLATE "C" NOT NULL,
  kind    text COLLATE "C" NOT NULL,
  cause   text COLLATE "C" NOT NULL,
  state   text COLLATE "C" NOT NULL,
  hash    text COLLATE "C" NOT NULL,
  items   bigint NOT NULL,
  quota   bigint NOT NULL,
  passed  bigint NOT NULL,
  created bigint NOT NULL,
  decided bigint NOT NULL,
  actor   text COLLATE "C" NOT NULL,
  reason  text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX holds_n ON holds (tenant, n);

CREATE TABLE loads (
  tenant text COLLATE "C" NOT NULL,
  kind   text COLLATE "C" NOT NULL,
  began  bigint NOT NULL,
  ended  bigint NOT NULL,
  PRIMARY KEY (tenant, kind)
);
