package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	insertBatch = `INSERT INTO batches (tenant, id, epoch, jobs, started) VALUES (?, ?, ?, '[]', ?)
		ON CONFLICT (tenant, id) DO NOTHING`
	insertItem = `INSERT INTO batch_items (tenant, kind, key, batch, n, version) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, kind, key) DO NOTHING`
	addJob = `UPDATE batches SET jobs = CASE WHEN EXISTS (SELECT 1 FROM json_each(jobs) WHERE value = ?3) THEN jobs
		ELSE json_insert(jobs, '$[#]', ?3) END WHERE tenant = ?1 AND id = ?2`
	endBatch      = `DELETE FROM batches WHERE tenant = ? AND id = ?`
	selectBatches = `SELECT id, epoch, jobs, started FROM batches WHERE tenant = ?1 AND (?2 = '' OR id = ?2) ORDER BY started, id`
	hasBatch      = `SELECT 1 FROM batches WHERE tenant = ? AND id = ?`
	tieItems      = `UPDATE batch_items SET job = ?3 WHERE tenant = ?1 AND batch = ?2
		AND (kind, key) IN (SELECT value->>0, value->>1 FROM json_each(?4))`
	selectItems = `SELECT batch, kind, key, version, job FROM batch_items WHERE tenant = ?1 AND (?2 = '' OR batch = ?2) ORDER BY batch, n`
)

// BeginBatch implements store.Journal.
func (s *Store) BeginBatch(ctx context.Context, t tenant.ID, b store.Batch) error {
	return s.write(ctx, "store: begin batch", func(ctx context.Context, tx *sql.Tx) error {
		begin, err := tx.PrepareContext(ctx, insertBatch)
		if err != nil {
			return err
		}
		isNew, err := changed(ctx, begin, t, b.ID, b.Epoch, row.Micros(b.Started))
		if err != nil {
			return err
		}
		if !isNew {
			return sameBatch(ctx, tx, t, b)
		}
		return insertItems(ctx, tx, t, b)
	})
}

func insertItems(ctx context.Context, tx *sql.Tx, t tenant.ID, b store.Batch) error {
	insert, err := tx.PrepareContext(ctx, insertItem)
	if err != nil {
		return err
	}
	for n, item := range row.Items(b.Items) {
		isFree, err := changed(ctx, insert, t, item.Ref.Kind, item.Ref.Key, b.ID, n, int64(item.Version))
		if err != nil {
			return err
		}
		if !isFree {
			return store.ErrBusy
		}
	}
	return nil
}

// sameBatch answers a repeated BeginBatch: nil when the stored batch is b.
func sameBatch(ctx context.Context, tx *sql.Tx, t tenant.ID, b store.Batch) error {
	stored, err := readBatches(ctx, tx, t, b.ID)
	if err != nil {
		return err
	}
	if len(stored) == 1 && stored[0].Epoch == b.Epoch && slices.Equal(stored[0].Items, row.Items(b.Items)) {
		return nil
	}
	return store.ErrConflict
}

// Sending implements store.Journal.
func (s *Store) Sending(ctx context.Context, t tenant.ID, batch string, of []record.Ref) error {
	return s.write(ctx, "store: mark as sent", func(ctx context.Context, tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, hasBatch, t, batch).Scan(new(int)); err != nil {
			return err // no row is ErrNotFound
		}
		_, err := tx.ExecContext(ctx, tieItems, t, batch, store.Calls, refs(of))
		return err
	})
}

// AddJob implements store.Journal.
func (s *Store) AddJob(ctx context.Context, t tenant.ID, batch, job string, of []record.Ref) error {
	return s.write(ctx, "store: add job", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, addJob, t, batch, job)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, store.ErrNotFound)
		}
		_, err = tx.ExecContext(ctx, tieItems, t, batch, job, refs(of))
		return err
	})
}

// CommitBatch implements store.Journal.
func (s *Store) CommitBatch(ctx context.Context, t tenant.ID, batch string, c store.Commit) (mine bool, err error) {
	err = s.write(ctx, "store: commit batch", func(ctx context.Context, tx *sql.Tx) error {
		if mine, err = takeBatch(ctx, tx, t, batch); err != nil || !mine {
			return err
		}
		if err := putLinks(ctx, tx, t, c.Links); err != nil {
			return err
		}
		if err := setQuarantine(ctx, tx, t, c); err != nil {
			return err
		}
		if err := setFindings(ctx, tx, t, audit.Writer, c.Observations); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, c.Entries)
	})
	return mine && err == nil, err
}

func takeBatch(ctx context.Context, tx *sql.Tx, t tenant.ID, batch string) (mine bool, err error) {
	if batch == "" {
		return true, nil
	}
	end, err := tx.PrepareContext(ctx, endBatch)
	if err != nil {
		return false, err
	}
	return changed(ctx, end, t, batch)
}

// OpenBatches implements store.Journal.
func (s *Store) OpenBatches(ctx context.Context, t tenant.ID) (open []store.Batch, err error) {
	tx, err := s.reader.BeginTx(ctx, nil) // one snapshot for batches and items
	if err != nil {
		return nil, fail("store: list batches", err)
	}
	defer tx.Rollback() //nolint:errcheck // read only
	open, err = readBatches(ctx, tx, t, "")
	return open, fail("store: list batches", err)
}

// readBatches reads one batch, or all of them for an id of "".
func readBatches(ctx context.Context, q querier, t tenant.ID, id string) ([]store.Batch, error) {
	batches, err := list(ctx, q, scanBatch, selectBatches, t, id)
	if err != nil {
		return nil, err
	}
	items := map[string][]store.BatchItem{}
	_, err = list(ctx, q, func(r scanner) (none struct{}, err error) {
		var batch string
		var it store.BatchItem
		err = r.Scan(&batch, &it.Ref.Kind, &it.Ref.Key, &it.Version, &it.Job)
		items[batch] = append(items[batch], it)
		return none, err
	}, selectItems, t, id)
	for i := range batches {
		batches[i].Items = items[batches[i].ID]
	}
	return batches, err
}

func scanBatch(r scanner) (b store.Batch, err error) {
	var started int64
	var jobs []byte
	if err := r.Scan(&b.ID, &b.Epoch, &jobs, &started); err != nil {
		return b, err
	}
	b.Started = row.Time(started)
	err = json.Unmarshal(jobs, &b.Jobs)
	return b, err
}
