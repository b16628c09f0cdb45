package writer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/zendesk-writer/writer"
)

var errKilled = errors.New("killed")

// mortal is the store of a writer that can be killed: from then on nothing of its process reaches anybody.
type mortal struct {
	store.Store
	cut func() error
}

func (m *mortal) BeginBatch(ctx context.Context, t tenant.ID, b store.Batch) error {
	if err := m.cut(); err != nil {
		return err
	}
	return errors.Join(m.Store.BeginBatch(ctx, t, b), m.cut())
}

func (m *mortal) AddJob(ctx context.Context, t tenant.ID, batch, job string, refs []record.Ref) error {
	if err := m.cut(); err != nil {
		return err
	}
	return errors.Join(m.Store.AddJob(ctx, t, batch, job, refs), m.cut())
}

func (m *mortal) CommitBatch(ctx context.Context, t tenant.ID, batch string, c store.Commit) (bool, error) {
	if err := m.cut(); err != nil {
		return false, err
	}
	mine, err := m.Store.CommitBatch(ctx, t, batch, c)
	return mine, errors.Join(err, m.cut())
}

// Writers die at random calls of the store, ten of them one after the other, over an account with random faults.
func TestDeathsAndFaultsLoseAndDoubleNothing(t *testing.T) {
	const n = 2000
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			db, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			b := connect(t, natsbus.Options{InProcess: broker(t, natsembed.Options{}), Name: "writer"})
			desk, address := account(t, sim.Options{Seed: seed})
			desk.Fault(sim.Fault{Every: 20, Times: -1, After: int(rng.IntN(20)), Status: 503})
			desk.Fault(sim.Fault{Path: "/api/v2/users*", Every: 23, Times: -1, Drop: "after"})
			desk.Fault(sim.Fault{Every: 29, Times: -1, Status: 429, Header: map[string]string{"Retry-After": "1"}})
			put(t, b, n, 1, "first")
			for life := range 10 {
				left := rng.IntN(6)
				died := make(chan struct{})
				m := &mortal{Store: db}
				var mu sync.Mutex
				m.cut = func() error {
					mu.Lock()
					defer mu.Unlock()
					if left--; left == -1 {
						close(died)
					}
					if left < 0 {
						return errKilled
					}
					return nil
				}
				if life == 4 {
					put(t, b, n/2, 2, "second")
				}
				stop := run(t, writer.New(b, m, &counted{Target: adapter(t, address), life: time.Second}, silent(), nil, options()))
				select {
				case <-died:
				case <-time.After(time.Minute):
					t.Error("this writer had nothing to do")
				}
				stop()
			}
			z := &counted{Target: adapter(t, address), life: time.Second}
			defer run(t, writer.New(b, db, z, silent(), nil, options()))()
			put(t, b, n, 3, "third")
			done := still(t, b, db)
			within(t, 3*time.Minute, "all done", done)
			desk.ClearFaults()
			judge(t, desk, n, "third")
			before := len(desk.Effects())
			put(t, b, n, 4, "third")
			within(t, time.Minute, "second run", done)
			if got := len(desk.Effects()); got != before {
				t.Errorf("the second run wrote %d times", got-before)
			}
		})
	}
}

func options() writer.Options {
	return writer.Options{Alone: true, Batch: 200, Linger: 100 * time.Millisecond, Busy: 100 * time.Millisecond, Backoff: 50 * time.Millisecond,
		Idle: 100 * time.Millisecond, Grace: time.Second}
}
