package pgstore

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	// lockReplays makes two calls of one tenant follow each other; the index on running ones would only refuse.
	lockReplays   = `SELECT pg_advisory_xact_lock(hashtextextended('replays ' || $1::text, 0))`
	countRunning  = `SELECT count(*) FROM replays WHERE tenant = $1 AND state = 'running' AND id <> $2`
	insertReplay  = `INSERT INTO replays (tenant, id, state, next, started, body) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, id) DO NOTHING`
	moveReplay    = `UPDATE replays SET state = $3, next = $4, body = $5 WHERE tenant = $1 AND id = $2 AND state = 'running' AND next = $6`
	selectReplay  = `SELECT id, state, next, started, body FROM replays WHERE tenant = $1 AND id = $2`
	selectReplays = `SELECT id, state, next, started, body FROM replays WHERE tenant = $1 ORDER BY started DESC, id DESC LIMIT $2`

	insertLetters = `INSERT INTO letters (tenant, seq, verb, actor, reason, at)
		SELECT $1, n.* FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[]) AS n (seq, verb, actor, reason, at) ORDER BY n.seq
		ON CONFLICT (tenant, seq) DO NOTHING RETURNING seq`
	forgetLetters = `DELETE FROM letters WHERE tenant = $1 AND seq < $2`
	selectLetters = `SELECT seq, verb, actor, reason, at FROM letters WHERE tenant = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq`
	countLetters  = `SELECT count(*) FROM letters WHERE tenant = $1 AND seq >= $2`
	raiseLedger   = `UPDATE ledger AS l SET revision = n.above, wanted_at = n.above
		FROM unnest($2::text[], $3::text[], $4::bigint[]) AS n (kind, key, above)
		WHERE l.tenant = $1 AND l.kind = n.kind AND l.key = n.key AND l.revision < n.above`
)

// BeginReplay implements store.Recovery.
func (s *Store) BeginReplay(ctx context.Context, t tenant.ID, r store.Replay, entries []audit.Entry) error {
	return s.write(ctx, "store: begin replay", func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockReplays, t); err != nil {
			return err
		}
		n := 0
		if err := tx.QueryRow(ctx, countRunning, t, r.ID).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return store.ErrBusy
		}
		if err := one(tx.Exec(ctx, insertReplay, t, r.ID, r.State, int64(r.Next), row.Micros(r.Started), row.EncodeReplay(r))); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
}

// MoveReplay implements store.Recovery.
func (s *Store) MoveReplay(ctx context.Context, t tenant.ID, r store.Replay, expect uint64, entries []audit.Entry) error {
	return s.write(ctx, "store: move replay", func(ctx context.Context, tx pgx.Tx) error {
		if err := one(tx.Exec(ctx, moveReplay, t, r.ID, r.State, int64(r.Next), row.EncodeReplay(r), int64(expect))); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
}

// one is ErrConflict unless the statement changed a row.
func one(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.RowsAffected() == 0 {
		return store.ErrConflict
	}
	return err
}

// Replay implements store.Recovery.
func (s *Store) Replay(ctx context.Context, t tenant.ID, id string) (store.Replay, error) {
	r, err := scanReplay(s.pool.QueryRow(ctx, selectReplay, t, id))
	return r, fail("store: read replay", err)
}

// Replays implements store.Recovery.
func (s *Store) Replays(ctx context.Context, t tenant.ID, limit int) ([]store.Replay, error) {
	rs, err := list(ctx, s.pool, scanReplay, selectReplays, t, row.Limit(limit))
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
	seqs, ats := make([]int64, len(ls)), make([]int64, len(ls))
	verbs, actors, reasons := make([]string, len(ls)), make([]string, len(ls)), make([]string, len(ls))
	for i, l := range ls {
		seqs[i], verbs[i], actors[i], reasons[i], ats[i] = int64(l.Sequence), l.Verb, row.Text(l.By), row.Text(l.Reason), row.Micros(l.At)
	}
	var fresh []int64
	err := s.write(ctx, "store: decide letters", func(ctx context.Context, tx pgx.Tx) (err error) {
		fresh, err = list(ctx, tx, func(r scanner) (n int64, err error) { err = r.Scan(&n); return n, err }, insertLetters, t, seqs, verbs, actors, reasons, ats)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, forgetLetters, t, int64(oldest)); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
	if err != nil {
		return nil, err
	}
	stored := make([]bool, len(ls))
	for i, n := range seqs {
		stored[i] = slices.Contains(fresh, n)
	}
	return stored, nil
}

// Letters implements store.Recovery.
func (s *Store) Letters(ctx context.Context, t tenant.ID, from, to uint64) ([]store.Letter, error) {
	ls, err := list(ctx, s.pool, scanLetter, selectLetters, t, int64(from), int64(to))
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
	err = s.pool.QueryRow(ctx, countLetters, t, int64(from)).Scan(&n)
	return n, fail("store: count letters", err)
}

// RaiseLedger implements store.Recovery.
func (s *Store) RaiseLedger(ctx context.Context, t tenant.ID, above map[record.Ref]uint64) error {
	refs := slices.SortedFunc(maps.Keys(above), row.Compare)
	kinds, keys := row.Columns(refs)
	to := make([]int64, len(refs))
	for i, ref := range refs {
		to[i] = int64(above[ref])
	}
	return s.write(ctx, "store: raise ledger", func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockRows, t, kinds, keys); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, raiseLedger, t, kinds, keys, to)
		return err
	})
}
