package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	itemColumns   = `g.kind, g.key, g.change, g.cause, g.state, g.hold, g.content, g.granted, g.digest, g.revision, g.at`
	selectGuarded = `SELECT ` + itemColumns + `, g.before, g.after FROM json_each(?2) AS r CROSS JOIN guard_items AS g
		ON g.tenant = ?1 AND g.kind = r.value->>0 AND g.key = r.value->>1`
	listItems = `SELECT ` + itemColumns + `, x'', x'' FROM guard_items AS g WHERE tenant = ?1 AND (?2 = '' OR state = ?2)
		ORDER BY kind, key LIMIT ?3`
	// putItem keeps state, hold and grant of an item that is there, unless ?15 says that it begins anew.
	putItem = `INSERT INTO guard_items (tenant, kind, key, change, cause, state, hold, content, granted, digest, revision, at, before, after)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
		ON CONFLICT (tenant, kind, key) DO UPDATE SET change = excluded.change, cause = excluded.cause, content = excluded.content,
			digest = excluded.digest, revision = excluded.revision, before = excluded.before, after = excluded.after,
			at = CASE WHEN ?15 THEN excluded.at ELSE guard_items.at END,
			state = CASE WHEN ?15 THEN excluded.state ELSE guard_items.state END,
			hold = CASE WHEN ?15 THEN excluded.hold ELSE guard_items.hold END,
			granted = CASE WHEN ?15 THEN excluded.granted ELSE guard_items.granted END`
	dropItem    = `DELETE FROM guard_items WHERE tenant = ? AND kind = ? AND key = ?`
	countPassed = `INSERT INTO guard_passed (tenant, change, kind, key, revision, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, change, kind, key, revision) DO NOTHING`
	selectLoads = `SELECT kind, began, ended FROM loads WHERE tenant = ?`
	insertLoad  = `INSERT INTO loads (tenant, kind, began, ended) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, kind) DO NOTHING`
	endLoad     = `UPDATE loads SET ended = ?3 WHERE tenant = ?1 AND kind = ?2 AND ended = ?4`
)

// GuardItems implements store.Holds.
func (s *Store) GuardItems(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]store.GuardItem, error) {
	items, err := list(ctx, s.reader, scanItem, selectGuarded, t, refs(of))
	found := make(map[record.Ref]store.GuardItem, len(items))
	for _, it := range items {
		found[it.Ref] = it
	}
	return found, fail("store: read guarded changes", err)
}

// GuardList implements store.Holds.
func (s *Store) GuardList(ctx context.Context, t tenant.ID, state store.ItemState, limit int) ([]store.GuardItem, error) {
	items, err := list(ctx, s.reader, scanItem, listItems, t, state, row.Limit(limit))
	return items, fail("store: list guarded changes", err)
}

// moveItems does what stored saves do to their records' items.
func moveItems(ctx context.Context, tx *sql.Tx, t tenant.ID, moves []store.GuardMove) error {
	for _, m := range moves {
		it := m.Item
		if m.Count {
			if _, err := tx.ExecContext(ctx, countPassed, t, it.Change, it.Ref.Kind, it.Ref.Key, int64(it.Revision), row.Micros(it.At)); err != nil {
				return err
			}
		}
		if m.Drop {
			if _, err := tx.ExecContext(ctx, dropItem, t, it.Ref.Kind, it.Ref.Key); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.ExecContext(ctx, putItem, t, it.Ref.Kind, it.Ref.Key, it.Change, it.Cause, it.State, it.Hold, it.Content, it.Granted,
			it.Digest, int64(it.Revision), row.Micros(it.At), blob(it.Before), blob(it.After), m.Fresh); err != nil {
			return err
		}
	}
	return nil
}

// Loads implements store.Holds.
func (s *Store) Loads(ctx context.Context, t tenant.ID) (map[record.Kind]store.Load, error) {
	loads := map[record.Kind]store.Load{}
	_, err := list(ctx, s.reader, func(r scanner) (none struct{}, err error) {
		var kind record.Kind
		var began, ended int64
		err = r.Scan(&kind, &began, &ended)
		loads[kind] = store.Load{Began: row.Time(began), Ended: row.Time(ended)}
		return none, err
	}, selectLoads, t)
	return loads, fail("store: list loads", err)
}

// BeginLoad implements store.Holds.
func (s *Store) BeginLoad(ctx context.Context, t tenant.ID, kind record.Kind, l store.Load) error {
	return s.write(ctx, "store: begin load", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertLoad, t, kind, row.Micros(l.Began), row.Micros(l.Ended))
		return err
	})
}

// EndLoad implements store.Holds.
func (s *Store) EndLoad(ctx context.Context, t tenant.ID, kind record.Kind, at time.Time) error {
	return s.write(ctx, "store: end load", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, endLoad, t, kind, row.Micros(at), row.Micros(time.Time{}))
		return err
	})
}

func scanItem(r scanner) (it store.GuardItem, err error) {
	var revision, at int64
	err = r.Scan(&it.Ref.Kind, &it.Ref.Key, &it.Change, &it.Cause, &it.State, &it.Hold, &it.Content, &it.Granted, &it.Digest, &revision, &at, &it.Before, &it.After)
	it.Revision, it.At, it.Before, it.After = uint64(revision), row.Time(at), row.Doc(it.Before), row.Doc(it.After)
	return it, err
}
