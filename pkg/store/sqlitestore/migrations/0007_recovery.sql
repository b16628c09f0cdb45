-- +goose Up
-- Ranges of a stream that go through their handler again, at most one running for each tenant.
CREATE TABLE replays (
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  state   TEXT NOT NULL,
  next    INTEGER NOT NULL,
  started INTEGER NOT NULL,
  body    TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX replays_running ON replays (tenant) WHERE state = 'running';

-- What a person decided about dead letters: the stream keeps every letter.
CREATE TABLE letters (
  tenant TEXT NOT NULL,
  seq    INTEGER NOT NULL,
  verb   TEXT NOT NULL,
  actor  TEXT NOT NULL,
  reason TEXT NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, seq)
) WITHOUT ROWID;

-- Which master keys a running process can read, by fingerprint, until its word is too old.
CREATE TABLE key_holders (
  process TEXT NOT NULL PRIMARY KEY,
  keys    TEXT NOT NULL,
  until   INTEGER NOT NULL
);
