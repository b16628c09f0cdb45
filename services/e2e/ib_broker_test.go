package e2e

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// The services as separate programs; their broker is stopped while PeopleSoft sends. The ingress answers 503, and when
// the broker is back everything arrives, in order, once.
func TestAStoppedBrokerMeans503AndThenEverythingOnce(t *testing.T) {
	w := &world{Company: newCompany(t, 150, 30), ingress: freePort(t)}
	w.judge = demo.NewJudge(w.Company)
	dir, address := t.TempDir(), freePort(t)
	broker := startBroker(t, dir, address)
	conf := t.TempDir()
	write(t, conf, "config.yaml", tuningFile)
	s := &services{t: t, bin: programs(t, "ib-listener", "poller", "transformer", "zendesk-writer", "recorder", "console"), conf: filepath.Join(conf, "config.yaml"),
		env: []string{"MLC_NATS_URL=nats://" + address, "MLC_DATABASE_URL=" + pgtest.URL(t), "MLC_MASTER_KEY_FILE=" + filepath.Join(conf, "master.key"),
			"MLC_ADMIN_TOKEN_FILE=" + filepath.Join(conf, "admin.token"), "MLC_LOG_LEVEL=info"}}
	w.client = s.console()
	for _, name := range []string{"poller", "transformer", "zendesk-writer", "recorder"} {
		s.start(name)
	}
	door := s.start("ib-listener", "MLC_INGRESS="+w.ingress)
	door.last = true
	w.applyIB(t)
	w.sender(t, pssim.NodeOptions{})
	w.sync(t, adminapi.Sync{Full: true})
	w.setupMessages(t)

	dice, n := rand.New(rand.NewPCG(11, 11)), 0
	w.burst(t, dice, &n, 20)
	_ = broker.Shutdown(context.Background())
	w.burst(t, dice, &n, 30)
	until(t, 30*time.Second, "the ingress says 503", func() bool { return w.answered(503) > 0 })
	broker = startBroker(t, dir, address)
	t.Cleanup(func() { _ = broker.Shutdown(context.Background()) })
	w.burst(t, dice, &n, 10)
	w.arrived(t)
	w.agree(t)
	w.noDead(t)
	noEffectTwice(t, w.ZD)
	w.inOrder(t)
	t.Logf("%d messages, %d times 503, %d times no answer, %d failed contacts", done(w.PS), w.answered(503), w.answered(0), w.retries())
}

func startBroker(t testing.TB, dir, address string) *natsembed.Server {
	t.Helper()
	s, err := natsembed.Start(t.Context(), natsembed.Options{Dir: dir, Listen: address, Logger: logger()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answered counts answers of one status to messages and pings.
func (w *world) answered(status int) (n int) {
	for _, d := range w.PS.Deliveries() {
		if d.Status == status {
			n++
		}
	}
	return n
}

func (w *world) retries() (n int) {
	for _, q := range w.PS.Queues() {
		n += q.Retries
	}
	return n
}

// inOrder fails unless every queue's messages were accepted once each, none before one that was tried earlier.
func (w *world) inOrder(t testing.TB) {
	t.Helper()
	tried, accepted := map[string][]string{}, map[string][]string{}
	for _, d := range w.PS.Deliveries() {
		if d.Queue == "" {
			continue // a ping
		}
		if !slices.Contains(tried[d.Queue], d.ID) {
			tried[d.Queue] = append(tried[d.Queue], d.ID)
		}
		if d.Status == 200 {
			accepted[d.Queue] = append(accepted[d.Queue], d.ID)
		}
	}
	for queue, ids := range tried {
		if !slices.Equal(ids, accepted[queue]) {
			t.Errorf("queue %s: tried %v, accepted %v", queue, ids, accepted[queue])
		}
	}
}
