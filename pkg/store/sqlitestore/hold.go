package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	beginGuard  = `INSERT INTO guards (tenant, next) VALUES (?, 1) ON CONFLICT (tenant) DO NOTHING`
	selectGuard = `SELECT next FROM guards WHERE tenant = ?`
	raiseGuard  = `UPDATE guards SET next = next + ?2 WHERE tenant = ?1`
	forgetOld   = `DELETE FROM guard_passed WHERE tenant = ? AND at < ?`
	tallyPassed = `SELECT change, kind, count(*) FROM guard_passed WHERE tenant = ? GROUP BY change, kind`
	openItems   = `SELECT ` + itemColumns + `, x'', x'' FROM guard_items AS g WHERE tenant = ? AND state IN ('staged', 'held', 'granted')
		ORDER BY kind, key`
	ruleItem = `UPDATE guard_items SET state = ?4, hold = ?5, granted = CASE WHEN ?4 = 'granted' THEN content ELSE granted END
		WHERE tenant = ?1 AND kind = ?2 AND key = ?3`
	holdColumns = `id, change, kind, cause, state, hash, items, quota, passed, created, decided, actor, reason`
	insertHold  = `INSERT INTO holds (tenant, n, ` + holdColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	closeHold   = `UPDATE holds SET state = ?3, hash = ?4, items = ?5, decided = ?6, actor = ?7, reason = ?8 WHERE tenant = ?1 AND id = ?2`
	selectHolds = `SELECT ` + holdColumns + ` FROM holds WHERE tenant = ?1 AND (?2 = '' OR id = ?2) AND (?3 = '' OR state = ?3)
		ORDER BY n DESC LIMIT ?4`
	itemsOfHold = `SELECT ` + itemColumns + `, g.before, g.after FROM guard_items AS g WHERE tenant = ? AND hold = ? ORDER BY kind, key LIMIT ?`
	heldItems   = `SELECT ` + itemColumns + `, x'', x'' FROM guard_items AS g WHERE tenant = ? AND hold = ? AND state = 'held' ORDER BY kind, key`
)

// Judge implements store.Holds.
func (s *Store) Judge(ctx context.Context, t tenant.ID, since time.Time, judge func(store.Book) store.Judgement) error {
	return s.write(ctx, "store: judge", func(ctx context.Context, tx *sql.Tx) error {
		book, err := readBook(ctx, tx, t, since)
		if err != nil {
			return err
		}
		j := judge(book)
		if err := rule(ctx, tx, t, j.Rulings); err != nil {
			return err
		}
		if err := moveItems(ctx, tx, t, row.Fresh(j.Items)); err != nil {
			return err
		}
		for i, h := range j.Holds {
			if err := addHold(ctx, tx, t, book.Next+i, h); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, raiseGuard, t, len(j.Holds)); err != nil {
			return err
		}
		for _, id := range j.Void {
			if _, err := tx.ExecContext(ctx, closeHold, t, id, store.HoldVoid, store.HashItems(nil), 0, row.Micros(j.At), "", ""); err != nil {
				return err
			}
		}
		if err := setFindings(ctx, tx, t, audit.Transformer, j.Observations); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, j.Entries)
	})
}

func readBook(ctx context.Context, tx *sql.Tx, t tenant.ID, since time.Time) (b store.Book, err error) {
	if _, err := tx.ExecContext(ctx, beginGuard, t); err != nil {
		return b, err
	}
	if err := tx.QueryRowContext(ctx, selectGuard, t).Scan(&b.Next); err != nil {
		return b, err
	}
	if _, err := tx.ExecContext(ctx, forgetOld, t, row.Micros(since)); err != nil {
		return b, err
	}
	b.Passed = map[store.Group]int{}
	if _, err := list(ctx, tx, func(r scanner) (none struct{}, err error) {
		var g store.Group
		var n int
		err = r.Scan(&g.Change, &g.Kind, &n)
		b.Passed[g] = n
		return none, err
	}, tallyPassed, t); err != nil {
		return b, err
	}
	if b.Items, err = list(ctx, tx, scanItem, openItems, t); err != nil {
		return b, err
	}
	waiting, err := list(ctx, tx, scanHold, selectHolds, t, "", store.HoldWaiting, -1)
	for i := range waiting {
		b.Holds = append(b.Holds, waiting[len(waiting)-1-i])
	}
	return b, err
}

func rule(ctx context.Context, tx *sql.Tx, t tenant.ID, rulings []store.Ruling) error {
	for _, r := range row.Rulings(rulings) {
		if _, err := tx.ExecContext(ctx, ruleItem, t, r.Ref.Kind, r.Ref.Key, r.State, r.Hold); err != nil {
			return err
		}
	}
	return nil
}

func addHold(ctx context.Context, tx *sql.Tx, t tenant.ID, n int, h store.Hold) error {
	_, err := tx.ExecContext(ctx, insertHold, t, n, h.ID, h.Group.Change, h.Group.Kind, h.Cause, store.HoldWaiting, "", 0, h.Limit, h.Passed,
		row.Micros(h.Created), row.Micros(time.Time{}), "", "")
	return err
}

// Holds implements store.Holds.
func (s *Store) Holds(ctx context.Context, t tenant.ID, limit int) ([]store.Hold, error) {
	holds, err := list(ctx, s.reader, scanHold, selectHolds, t, "", "", row.Limit(limit))
	if err != nil {
		return nil, fail("store: list holds", err)
	}
	for i := range holds {
		if err := fillHold(ctx, s.reader, t, &holds[i]); err != nil {
			return nil, fail("store: list holds", err)
		}
	}
	return holds, nil
}

// fillHold gives a waiting hold the hash and number of its items now.
func fillHold(ctx context.Context, q querier, t tenant.ID, h *store.Hold) error {
	if h.State != store.HoldWaiting {
		return nil
	}
	items, err := list(ctx, q, scanItem, heldItems, t, h.ID)
	h.Hash, h.Items = store.HashItems(items), len(items)
	return err
}

// Hold implements store.Holds.
func (s *Store) Hold(ctx context.Context, t tenant.ID, id string) (store.Hold, error) {
	h, err := oneHold(ctx, s.reader, t, id)
	if err == nil {
		err = fillHold(ctx, s.reader, t, &h)
	}
	return h, fail("store: read hold", err)
}

func oneHold(ctx context.Context, q querier, t tenant.ID, id string) (store.Hold, error) {
	holds, err := list(ctx, q, scanHold, selectHolds, t, id, "", 1)
	if err != nil || len(holds) == 0 || id == "" {
		return store.Hold{}, orNotFound(err)
	}
	return holds[0], nil
}

func orNotFound(err error) error {
	if err == nil {
		return store.ErrNotFound
	}
	return err
}

// HoldItems implements store.Holds.
func (s *Store) HoldItems(ctx context.Context, t tenant.ID, id string, limit int) ([]store.GuardItem, error) {
	items, err := list(ctx, s.reader, scanItem, itemsOfHold, t, id, row.Limit(limit))
	return items, fail("store: list items of hold", err)
}

// DecideHold implements store.Holds.
func (s *Store) DecideHold(ctx context.Context, t tenant.ID, id string, d store.Decision, entries func(store.Hold, []store.GuardItem) []audit.Entry) (h store.Hold, err error) {
	err = s.write(ctx, "store: decide hold", func(ctx context.Context, tx *sql.Tx) error {
		next := 0
		if err := tx.QueryRowContext(ctx, selectGuard, t).Scan(&next); err != nil && !errors.Is(err, sql.ErrNoRows) { // no row: no hold
			return err
		}
		if h, err = oneHold(ctx, tx, t, id); err != nil {
			return err
		}
		items, err := list(ctx, tx, scanItem, heldItems, t, id)
		if err != nil {
			return err
		}
		v, ok := row.Decide(h, items, d, next)
		if h = v.Hold; !ok {
			return store.ErrConflict
		}
		if v.Rest != nil {
			if err := addHold(ctx, tx, t, next, *v.Rest); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, raiseGuard, t, 1); err != nil {
				return err
			}
		}
		if err := rule(ctx, tx, t, v.Rulings); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, closeHold, t, id, h.State, h.Hash, h.Items, row.Micros(h.Decided), h.By, h.Reason); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries(h, v.Items))
	})
	h.Decided = row.Time(row.Micros(h.Decided))
	return h, err
}

func scanHold(r scanner) (h store.Hold, err error) {
	var created, decided int64
	err = r.Scan(&h.ID, &h.Group.Change, &h.Group.Kind, &h.Cause, &h.State, &h.Hash, &h.Items, &h.Limit, &h.Passed, &created, &decided, &h.By, &h.Reason)
	h.Created, h.Decided = row.Time(created), row.Time(decided)
	return h, err
}
