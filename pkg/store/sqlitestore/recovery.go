package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	countRunning  = `SELECT count(*) FROM replays WHERE tenant = ? AND state = 'running' AND id <> ?`
	insertReplay  = `INSERT INTO replays (tenant, id, state, next, started, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING`
	moveReplay    = `UPDATE replays SET state = ?3, next = ?4, body = ?5 WHERE tenant = ?1 AND id = ?2 AND state = 'running' AND next = ?6`
	selectReplay  = `SELECT id, state, next, started, body FROM replays WHERE tenant = ? AND id = ?`
	selectReplays = `SELECT id, state, next, started, body FROM replays WHERE tenant = ? ORDER BY started DESC, id DESC LIMIT ?`

	insertLetter  = `INSERT INTO letters (tenant, seq, verb, actor, reason, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, seq) DO NOTHING`
	forgetLetters = `DELETE FROM letters WHERE tenant = ? AND seq < ?`
	selectLetters = `SELECT seq, verb, actor, reason, at FROM letters WHERE tenant = ? AND seq >= ? AND seq <= ? ORDER BY seq`
	countLetters  = `SELECT count(*) FROM letters WHERE tenant = ? AND seq >= ?`
	raiseLedger   = `UPDATE ledger SET revision = ?4, wanted_at = ?4 WHERE tenant = ?1 AND kind = ?2 AND key = ?3 AND revision < ?4`
)

// BeginReplay implements store.Recovery.
func (s *Store) BeginReplay(ctx context.Context, t tenant.ID, r store.Replay, entries []audit.Entry) error {
	return s.write(ctx, "store: begin replay", func(ctx context.Context, tx *sql.Tx) error {
		n := 0
		if err := tx.QueryRowContext(ctx, countRunning, t, r.ID).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return store.ErrBusy
		}
		if err := one(tx.ExecContext(ctx, insertReplay, t, r.ID, r.State, int64(r.Next), row.Micros(r.Started), row.EncodeReplay(r))); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
}

// MoveReplay implements store.Recovery.
func (s *Store) MoveReplay(ctx context.Context, t tenant.ID, r store.Replay, expect uint64, entries []audit.Entry) error {
	return s.write(ctx, "store: move replay", func(ctx context.Context, tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, moveReplay, t, r.ID, r.State, int64(r.Next), row.EncodeReplay(r), int64(expect))); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
}

// one is ErrConflict unless the statement changed a row.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = store.ErrConflict
		}
		return err
	}
	return nil
}

// Replay implements store.Recovery.
func (s *Store) Replay(ctx context.Context, t tenant.ID, id string) (store.Replay, error) {
	r, err := scanReplay(s.reader.QueryRowContext(ctx, selectReplay, t, id))
	return r, fail("store: read replay", err)
}

// Replays implements store.Recovery.
func (s *Store) Replays(ctx context.Context, t tenant.ID, limit int) ([]store.Replay, error) {
	rs, err := list(ctx, s.reader, scanReplay, selectReplays, t, row.Limit(limit))
	return rs, fail("store: list replays", err)
}

func scanReplay(r scanner) (out store.Replay, err error) {
	var started, next int64
	var body []byte
	if err := r.Scan(&out.ID, &out.State, &next, &started, &body); err != nil {
		return out, err
	}
	out.Started, out.Next = row.Time(started), uint64(next)
	err = row.DecodeReplay(body, &out)
	return out, err
}

// DecideLetters implements store.Recovery.
func (s *Store) DecideLetters(ctx context.Context, t tenant.ID, ls []store.Letter, oldest uint64, entries []audit.Entry) ([]bool, error) {
	stored := make([]bool, len(ls))
	err := s.write(ctx, "store: decide letters", func(ctx context.Context, tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, insertLetter)
		if err != nil {
			return err
		}
		for i, l := range ls {
			stored[i], err = changed(ctx, insert, t, int64(l.Sequence), l.Verb, row.Text(l.By), row.Text(l.Reason), row.Micros(l.At))
			if err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, forgetLetters, t, int64(oldest)); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

// Letters implements store.Recovery.
func (s *Store) Letters(ctx context.Context, t tenant.ID, from, to uint64) ([]store.Letter, error) {
	ls, err := list(ctx, s.reader, scanLetter, selectLetters, t, int64(from), int64(to))
	return ls, fail("store: list letters", err)
}

func scanLetter(r scanner) (l store.Letter, err error) {
	var seq, at int64
	err = r.Scan(&seq, &l.Verb, &l.By, &l.Reason, &at)
	l.Sequence, l.At = uint64(seq), row.Time(at)
	return l, err
}

// CountLetters implements store.Recovery.
func (s *Store) CountLetters(ctx context.Context, t tenant.ID, from uint64) (n int, err error) {
	err = s.reader.QueryRowContext(ctx, countLetters, t, int64(from)).Scan(&n)
	return n, fail("store: count letters", err)
}

// RaiseLedger implements store.Recovery.
func (s *Store) RaiseLedger(ctx context.Context, t tenant.ID, above map[record.Ref]uint64) error {
	return s.write(ctx, "store: raise ledger", func(ctx context.Context, tx *sql.Tx) error {
		raise, err := tx.PrepareContext(ctx, raiseLedger)
		if err != nil {
			return err
		}
		for ref, n := range above {
			if _, err := raise.ExecContext(ctx, t, ref.Kind, ref.Key, int64(n)); err != nil {
				return err
			}
		}
		return nil
	})
}
