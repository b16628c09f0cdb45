package writer

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// bar is the quarantine of a record as this process counts it. The store keeps its end on the wall clock, which may jump;
// the process counts what was left of it when it saw it first, on its monotonic clock (failures.md I11).
type bar struct {
	stored time.Time
	end    time.Time
}

// barred remembers quarantines that were stored just now.
func (w *Writer) barred(until map[record.Ref]time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ref, at := range until {
		stored := at.UTC().Truncate(time.Microsecond)
		if b, is := w.bars[ref]; !is || b.stored.Before(stored) {
			w.bars[ref] = bar{stored: stored, end: at}
		}
	}
}

// quarantined lists the records in quarantine and how long each must not be written yet: 0 or less when it may be. A
// quarantine of another process, or of an earlier one, lasts CallLife at most from here on, whatever its clock said.
func (w *Writer) quarantined(ctx context.Context, t tenant.ID) (map[record.Ref]time.Duration, error) {
	list, err := w.store.Quarantined(ctx, t)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now, bars, left := w.now(), make(map[record.Ref]bar, len(list)), make(map[record.Ref]time.Duration, len(list))
	for ref, until := range list {
		b, is := w.bars[ref]
		if !is || !b.stored.Equal(until) {
			b = bar{stored: until, end: now.Add(min(until.Sub(now), w.target.CallLife()))}
		}
		bars[ref], left[ref] = b, b.end.Sub(now)
	}
	w.bars = bars
	return left, nil
}
