package pgstore

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	insertBatch = `INSERT INTO batches (tenant, id, epoch, jobs, started) VALUES ($1, $2, $3, '{}', $4)
		ON CONFLICT (tenant, id) DO NOTHING`
	insertItems = `INSERT INTO batch_items (tenant, batch, kind, key, version, n)
		SELECT $1, $2, n.kind, n.key, n.version, n.n
		FROM unnest($3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY AS n (kind, key, version, n)
		ORDER BY n.kind COLLATE "C", n.key COLLATE "C" ON CONFLICT (tenant, kind, key) DO NOTHING`
	addJob = `UPDATE batches SET jobs = CASE WHEN $3 = ANY (jobs) THEN jobs ELSE array_append(jobs, $3) END
		WHERE tenant = $1 AND id = $2`
	tieItems = `UPDATE batch_items AS i SET job = $3 FROM unnest($4::text[], $5::text[]) AS n (kind, key)
		WHERE i.tenant = $1 AND i.batch = $2 AND i.kind = n.kind AND i.key = n.key`
	lockBatch     = `SELECT 1 FROM batches WHERE tenant = $1 AND id = $2 FOR SHARE`
	endBatch      = `DELETE FROM batches WHERE tenant = $1 AND id = $2`
	selectBatches = `SELECT b.id, b.epoch, b.jobs, b.started, coalesce(i.kind, ''), coalesce(i.key, ''), coalesce(i.version, 0),
		coalesce(i.job, '')
		FROM batches AS b LEFT JOIN batch_items AS i ON i.tenant = b.tenant AND i.batch = b.id
		WHERE b.tenant = $1 AND ($2::text = '' OR b.id = $2) ORDER BY b.started, b.id, i.n`
)

// BeginBatch implements store.Journal.
func (s *Store) BeginBatch(ctx context.Context, t tenant.ID, b store.Batch) error {
	return s.write(ctx, "store: begin batch", func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, insertBatch, t, b.ID, b.Epoch, row.Micros(b.Started))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return sameBatch(ctx, tx, t, b)
		}
		items := row.Items(b.Items)
		refs, versions := make([]record.Ref, len(items)), make([]int64, len(items))
		for i, it := range items {
			refs[i], versions[i] = it.Ref, int64(it.Version)
		}
		kinds, keys := row.Columns(refs)
		tag, err = tx.Exec(ctx, insertItems, t, b.ID, kinds, keys, versions)
		if err == nil && tag.RowsAffected() < int64(len(items)) {
			return store.ErrBusy
		}
		return err
	})
}

// sameBatch answers a repeated BeginBatch: nil when the stored batch is b.
func sameBatch(ctx context.Context, tx pgx.Tx, t tenant.ID, b store.Batch) error {
	stored, err := readBatches(ctx, tx, t, b.ID)
	if err != nil {
		return err
	}
	if len(stored) == 1 && stored[0].Epoch == b.Epoch && slices.Equal(stored[0].Items, row.Items(b.Items)) {
		return nil
	}
	return store.ErrConflict
}

// Sending implements store.Journal. The batch is locked, so that it cannot be taken over between.
func (s *Store) Sending(ctx context.Context, t tenant.ID, batch string, refs []record.Ref) error {
	return s.write(ctx, "store: mark as sent", func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, lockBatch, t, batch).Scan(new(int)); err != nil {
			return err // no row is ErrNotFound
		}
		kinds, keys := row.Columns(refs)
		_, err := tx.Exec(ctx, tieItems, t, batch, store.Calls, kinds, keys)
		return err
	})
}

// AddJob implements store.Journal.
func (s *Store) AddJob(ctx context.Context, t tenant.ID, batch, job string, refs []record.Ref) error {
	return s.write(ctx, "store: add job", func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, addJob, t, batch, job)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return store.ErrNotFound
		}
		kinds, keys := row.Columns(refs)
		_, err = tx.Exec(ctx, tieItems, t, batch, job, kinds, keys)
		return err
	})
}

// CommitBatch implements store.Journal.
func (s *Store) CommitBatch(ctx context.Context, t tenant.ID, batch string, c store.Commit) (mine bool, err error) {
	err = s.write(ctx, "store: commit batch", func(ctx context.Context, tx pgx.Tx) error {
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

func takeBatch(ctx context.Context, tx pgx.Tx, t tenant.ID, batch string) (mine bool, err error) {
	if batch == "" {
		return true, nil
	}
	tag, err := tx.Exec(ctx, endBatch, t, batch)
	return tag.RowsAffected() > 0, err
}

// OpenBatches implements store.Journal.
func (s *Store) OpenBatches(ctx context.Context, t tenant.ID) ([]store.Batch, error) {
	open, err := readBatches(ctx, s.pool, t, "")
	return open, fail("store: list batches", err)
}

// readBatches reads one batch, or all of them for an id of "".
func readBatches(ctx context.Context, q querier, t tenant.ID, id string) (batches []store.Batch, err error) {
	_, err = list(ctx, q, func(r scanner) (none struct{}, err error) {
		var b store.Batch
		var it store.BatchItem
		var started int64
		err = r.Scan(&b.ID, &b.Epoch, &b.Jobs, &started, &it.Ref.Kind, &it.Ref.Key, &it.Version, &it.Job)
		if n := len(batches); n == 0 || batches[n-1].ID != b.ID {
			b.Started = row.Time(started)
			batches = append(batches, b)
		}
		if last := &batches[len(batches)-1]; it.Ref != (record.Ref{}) {
			last.Items = append(last.Items, it)
		}
		return none, err
	}, selectBatches, t, id)
	return batches, err
}
