-- +goose Up
-- Ranges of a stream that go through their handler again, at most one running for each tenant.
CREATE TABLE replays (
  tenant  text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  state   text COLLATE "C" NOT NULL,
  next    bigint NOT NULL,
  started bigint NOT NULL,
  body    text NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX replays_running ON replays (tenant) WHERE state = 'running';

-- What a person decided about dead letters: the stream keeps every letter.
CREATE TABLE letters (
  tenant text COLLATE "C" NOT NULL,
  seq    bigint NOT NULL,
  verb   text COLLATE "C" NOT NULL,
  actor  text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  at     bigint NOT NULL,
  PRIMARY KEY (tenant, seq)
);

-- Which master keys a running process can read, by fingerprint, until its word is too old.
CREATE TABLE key_holders (
  process text COLLATE "C" NOT NULL PRIMARY KEY,
  keys    text COLLATE "C" NOT NULL,
  until   bigint NOT NULL
);
