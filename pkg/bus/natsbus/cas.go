package natsbus

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	batchTries  = 2
	singleTries = 100
	singleWait  = 5 * time.Millisecond
)

// row is one write to the table that depends on what is there.
type row struct {
	subject string
	size    int
	// make returns what to store over cur (nil: nothing is there), or nil to leave it.
	make func(cur *jetstream.RawStreamMsg) (*nats.Msg, error)
	// done is called once with how it ended.
	done func(stored bool, err error)
}

// casRows writes rows of distinct subjects, each guarded by the sequence it was made over: in atomic batches first,
// one by one where others write the same records.
func (b *Bus) casRows(ctx context.Context, t tenant.ID, op string, rows []row) error {
	for _, c := range chunks(len(rows), func(i int) int { return rows[i].size }) {
		if err := b.casBatch(ctx, t, op, rows[c[0]:c[1]]); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) casBatch(ctx context.Context, t tenant.ID, op string, rows []row) error {
	subjects := make([]string, len(rows))
	for i, r := range rows {
		subjects[i] = r.subject
	}
	for range batchTries {
		if len(rows) == 1 {
			break
		}
		cur, err := b.lastOf(ctx, t, bus.Directory, subjects)
		if err != nil {
			return err
		}
		msgs, finish := prepare(rows, cur)
		if len(msgs) > 0 {
			_, err = b.atomic(ctx, msgs)
		}
		if err == nil {
			finish()
			return nil
		}
		if !isConflict(err) {
			return classify(op, err)
		}
	}
	for _, r := range rows {
		if err := b.casOne(ctx, t, op, r); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the guarded messages; finish reports every row once they are stored.
func prepare(rows []row, cur map[string]*jetstream.RawStreamMsg) (msgs []*nats.Msg, finish func()) {
	stored, errs := make([]bool, len(rows)), make([]error, len(rows))
	for i, r := range rows {
		m, err := r.make(cur[r.subject])
		if errs[i] = err; err != nil || m == nil {
			continue
		}
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(sequence(cur[r.subject]), 10))
		msgs, stored[i] = append(msgs, m), true
	}
	return msgs, func() {
		for i, r := range rows {
			r.done(stored[i], errs[i])
		}
	}
}

func (b *Bus) casOne(ctx context.Context, t tenant.ID, op string, r row) error {
	for try := range singleTries {
		cur, err := b.last(ctx, t, bus.Directory, r.subject)
		if err != nil {
			return err
		}
		m, err := r.make(cur)
		if err != nil || m == nil {
			r.done(false, err)
			return nil
		}
		err = b.publish(ctx, m, jetstream.WithExpectLastSequencePerSubject(sequence(cur)))
		if err == nil {
			r.done(true, nil)
			return nil
		}
		if !isConflict(err) {
			return classify(op, err)
		}
		if err := pause(ctx, rand.N(singleWait*time.Duration(try+1))); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	return fault.New(fault.Transient, fault.BrokerDown, fmt.Sprintf("%s: %s changed under %d tries", op, r.subject, singleTries))
}
