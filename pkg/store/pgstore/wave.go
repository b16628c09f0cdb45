package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// saveWave stores saves of different records, given in the order of locking, and notes which were stored.
func saveWave(ctx context.Context, tx pgx.Tx, t tenant.ID, saves []store.LedgerSave, wave []int, stored []bool) error {
	var fresh, known rowColumns
	place := make(map[record.Ref]int, len(wave))
	for _, i := range wave {
		place[saves[i].Row.Ref] = i
		if saves[i].Expect == 0 {
			fresh.add(saves[i])
			continue
		}
		known.add(saves[i])
	}
	if len(known.keys) > 0 {
		if _, err := tx.Exec(ctx, lockRows, t, known.kinds, known.keys); err != nil {
			return err
		}
		if err := known.run(ctx, tx, t, updateRows, place, stored); err != nil {
			return err
		}
	}
	if len(fresh.keys) > 0 {
		if err := fresh.run(ctx, tx, t, insertRows, place, stored); err != nil {
			return err
		}
	}
	return savePoints(ctx, tx, t, saves, wave, stored)
}

// rowColumns are rows turned into columns, for unnest.
type rowColumns struct {
	kinds, keys, facts, wanted, nextDates, emails, points []string
	revisions, wantedAts, published, configs, instants    []int64
}

func (c *rowColumns) add(s store.LedgerSave) {
	r := s.Row
	c.kinds, c.keys = append(c.kinds, string(r.Ref.Kind)), append(c.keys, r.Ref.Key)
	c.facts, c.wanted = append(c.facts, string(r.Facts)), append(c.wanted, string(r.Wanted))
	c.nextDates, c.emails = append(c.nextDates, r.NextDate), append(c.emails, r.Email)
	c.revisions, c.wantedAts = append(c.revisions, int64(s.Expect+1)), append(c.wantedAts, int64(r.WantedAt))
	c.published, c.configs = append(c.published, int64(r.Published)), append(c.configs, r.Config)
	c.points, c.instants = append(c.points, row.Points(r.Points)), append(c.instants, row.Micros(r.At))
}

// run executes query, which returns the records it stored.
func (c *rowColumns) run(ctx context.Context, tx pgx.Tx, t tenant.ID, query string, place map[record.Ref]int, stored []bool) error {
	done, err := list(ctx, tx, scanRef, query, t, c.kinds, c.keys, c.revisions, c.facts, c.wanted, c.wantedAts, c.published,
		c.nextDates, c.configs, c.emails, c.instants, c.points)
	for _, ref := range done {
		stored[place[ref]] = true
	}
	return err
}

func scanRef(r scanner) (ref record.Ref, err error) {
	err = r.Scan(&ref.Kind, &ref.Key)
	return ref, err
}
