package peoplesoft_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// got is one request as the receiver saw it.
type got struct {
	method string
	header http.Header
	body   string
}

func (g got) operation() string { return strings.Split(g.header.Get("ExternalOperationName"), ".")[0] }

// receiver is a node that answers what a test wants.
type receiver struct {
	mu     sync.Mutex
	answer func(got) int // 0 closes the connection
	seen   []got
	url    string
}

func newReceiver(t *testing.T, answer func(got) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/ib/acme"
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	g := got{req.Method, req.Header, string(b)}
	r.mu.Lock()
	r.seen = append(r.seen, g)
	status := r.answer(g)
	r.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got{}, r.seen...)
}

func (r *receiver) posts() (all []got) {
	for _, g := range r.all() {
		if g.method == http.MethodPost {
			all = append(all, g)
		}
	}
	return all
}

func (r *receiver) answers(f func(got) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func always(status int) func(got) int { return func(got) int { return status } }

// sending starts a company whose sender runs for the length of the test.
func sending(t *testing.T, r *receiver, o peoplesoft.NodeOptions) *world {
	t.Helper()
	w := start(t, peoplesoft.Options{Employees: 50, Vendors: 10})
	o.URL, o.PingEvery = r.url, time.Millisecond
	if err := w.Node(o); err != nil {
		t.Fatal(err)
	}
	runs(t, w.Sim)
	return w
}

func runs(t *testing.T, s *peoplesoft.Sim) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.RunSender(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func (w *world) publish(p peoplesoft.Publication) []string {
	w.t.Helper()
	ids, err := w.Publish(p)
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

func (w *world) drained() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	if !w.Drained(ctx) {
		w.t.Fatalf("the queues do not empty: %+v", w.Queues())
	}
}

func (w *world) queue(name string) peoplesoft.Queue {
	for _, q := range w.Queues() {
		if q.Name == name {
			return q
		}
	}
	w.t.Fatalf("no queue %s", name)
	return peoplesoft.Queue{}
}

func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			t.Fatal(what + ": not within 20 s")
		case <-tick.C:
		}
	}
}

func TestEveryAnswerHasTheConsequenceThatGuaranteedDeliveryGivesIt(t *testing.T) {
	for name, c := range map[string]struct {
		answer  int
		sync    bool
		want    string // status of the contract after the first answer; empty: done
		redoing bool
	}{
		"200 is done": {answer: 200},
		"202 is done": {answer: 202},
		"299 is done": {answer: 299},
		"202 to a synchronous operation is Error": {answer: 202, sync: true, want: "Error"},
		"200 to a synchronous operation is done":  {answer: 200, sync: true},
		"404 is retried":                          {answer: 404, redoing: true},
		"503 is retried":                          {answer: 503, redoing: true},
		"a closed connection is retried":          {answer: 0, redoing: true},
		"301 is Error":                            {answer: 301, want: "Error"},
		"400 is Error":                            {answer: 400, want: "Error"},
		"401 is Error":                            {answer: 401, want: "Error"},
		"403 is Error":                            {answer: 403, want: "Error"},
		"413 is Error":                            {answer: 413, want: "Error"},
		"429 is Error":                            {answer: 429, want: "Error"},
		"500 is Error":                            {answer: 500, want: "Error"},
		"502 is Error":                            {answer: 502, want: "Error"},
		"504 is Error":                            {answer: 504, want: "Error"},
	} {
		t.Run(name, func(t *testing.T) {
			first := true
			r := newReceiver(t, func(g got) int {
				if g.method == http.MethodPost && first {
					first = false
					return c.answer
				}
				return 200
			})
			w := sending(t, r, peoplesoft.NodeOptions{Sync: c.sync})
			w.publish(peoplesoft.Publication{Message: "DEPT_SYNC", PerMessage: 1})
			if c.want == "" {
				w.drained()
				if posts, want := len(r.posts()), w.queue("HR_SETUP").Done; (posts == want+1) != c.redoing {
					t.Errorf("%d requests for %d messages", posts, want)
				}
				return
			}
			until(t, "the queue is blocked", func() bool { return w.queue("HR_SETUP").Blocked })
			q := w.queue("HR_SETUP")
			if q.Status != c.want || q.Done != 0 || len(r.posts()) != 1 || !strings.Contains(q.Problem, "HttpStatusCode Returned") && c.answer != 202 {
				t.Errorf("queue %+v after %d requests", q, len(r.posts()))
			}
		})
	}
}

func TestANodeThatIsDownIsPingedAndThenGetsEverythingInOrder(t *testing.T) {
	r := newReceiver(t, always(503))
	w := sending(t, r, peoplesoft.NodeOptions{})
	ids := w.publish(peoplesoft.Publication{Message: "DEPT_SYNC"})
	ids = append(ids, w.publish(peoplesoft.Publication{Message: "JOBCODE_SYNC"})...)
	until(t, "five pings", func() bool { return len(r.all())-len(r.posts()) >= 5 })
	if n := len(r.posts()); n != 1 {
		t.Fatalf("%d messages to a node that is down", n)
	}
	for _, g := range r.all() {
		if g.method == http.MethodGet && (g.header.Get("TransactionID") != "PING_NODE" || g.header.Get("Authorization") != "") {
			t.Fatalf("ping %v", g.header)
		}
	}
	r.answers(always(200))
	w.drained()
	for i, g := range r.posts()[1:] {
		if g.header.Get("TransactionID") != ids[i] {
			t.Fatalf("message %d is %s, want %s", i, g.header.Get("TransactionID"), ids[i])
		}
	}
}

func TestAnErrorBlocksItsQueueOnlyAndUntilSomebodyResubmits(t *testing.T) {
	r := newReceiver(t, func(g got) int {
		if g.operation() == "DEPT_SYNC" {
			return 500
		}
		return 200
	})
	w := sending(t, r, peoplesoft.NodeOptions{})
	w.publish(peoplesoft.Publication{Message: "DEPT_SYNC", Keys: []string{"0010100"}})
	w.publish(peoplesoft.Publication{Message: "JOBCODE_SYNC"})
	w.publish(peoplesoft.Publication{Message: "VENDOR_SYNC"})
	until(t, "vendors arrive", func() bool { return w.queue("VENDOR").Waiting == 0 })
	until(t, "HR_SETUP is blocked", func() bool { return w.queue("HR_SETUP").Blocked })
	if q := w.queue("HR_SETUP"); q.Done != 0 || q.Errors != 1 || q.Waiting < 2 {
		t.Fatalf("queue %+v", q)
	}
	r.answers(always(200))
	if n := w.Resubmit("VENDOR"); n != 0 {
		t.Errorf("resubmitted %d of a queue that is not blocked", n)
	}
	if n := w.Resubmit(""); n != 1 {
		t.Errorf("resubmitted %d", n)
	}
	w.drained()
}

func TestACancelledContractLetsTheOthersPass(t *testing.T) {
	r := newReceiver(t, func(g got) int {
		if strings.Contains(g.body, "POISON") {
			return 400
		}
		return 200
	})
	w := sending(t, r, peoplesoft.NodeOptions{})
	w.publish(peoplesoft.Publication{Message: "DEPT_SYNC", Body: "<POISON/>"})
	w.publish(peoplesoft.Publication{Message: "DEPT_SYNC", Keys: []string{"0010100"}})
	until(t, "blocked", func() bool { return w.queue("HR_SETUP").Blocked })
	if n := w.Cancel("HR_SETUP"); n != 1 {
		t.Fatal(n)
	}
	w.drained()
	if q := w.queue("HR_SETUP"); q.Done != 1 || q.Cancelled != 1 {
		t.Errorf("%+v", q)
	}
}

func TestWhatIsNotAcceptedWhenTheSenderStopsGoesWithTheNextRun(t *testing.T) {
	r := newReceiver(t, always(503))
	w := start(t, peoplesoft.Options{Employees: 50, Vendors: 10})
	if err := w.RunSender(t.Context()); err == nil {
		t.Error("a sender without a node runs")
	}
	if err := w.Node(peoplesoft.NodeOptions{URL: r.url, PingEvery: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	ids := w.publish(peoplesoft.Publication{Message: "VENDOR_SYNC"})
	stop := runs(t, w.Sim)
	until(t, "one try", func() bool { return len(r.posts()) > 0 })
	stop()
	if q := w.queue("VENDOR"); q.Waiting != len(ids) {
		t.Fatalf("%+v, want %d waiting", q, len(ids))
	}
	r.answers(always(200))
	runs(t, w.Sim)
	w.drained()
}

func TestDuplicatesAndOvertakingAreDrawnFromTheSeed(t *testing.T) {
	play := func() (order []string, again int) {
		r := newReceiver(t, always(200))
		w := start(t, peoplesoft.Options{Employees: 50, Vendors: 10})
		if err := w.Node(peoplesoft.NodeOptions{URL: r.url, Duplicate: 0.3, Reorder: 0.3}); err != nil {
			t.Fatal(err)
		}
		ids := w.publish(peoplesoft.Publication{Message: "PERSON_BASIC_SYNC"})
		runs(t, w.Sim)
		w.drained()
		for _, g := range r.posts() {
			order = append(order, g.header.Get("TransactionID"))
		}
		if len(order) != len(ids)+w.queue("PERSON_DATA").Duplicates {
			t.Errorf("%d requests for %d messages", len(order), len(ids))
		}
		seen := map[string]bool{}
		moved := 0
		for i, id := range order {
			if i < len(ids) && ids[i] != id {
				moved++
			}
			seen[id] = true
		}
		if len(seen) != len(ids) || moved == 0 {
			t.Errorf("%d of %d messages arrived, %d out of place", len(seen), len(ids), moved)
		}
		return order, w.queue("PERSON_DATA").Duplicates
	}
	a, n := play()
	b, m := play()
	if strings.Join(a, " ") != strings.Join(b, " ") || n != m || n < 5 {
		t.Errorf("%d and %d duplicates; the same seed, another order", n, m)
	}
}

func TestSegmentsAreRequestsOfTheirOwn(t *testing.T) {
	r := newReceiver(t, always(200))
	w := sending(t, r, peoplesoft.NodeOptions{User: "PSFT_HR", Password: "let me in", NodePassword: "node", Header: map[string]string{"X-Site": "1"}})
	ids := w.publish(peoplesoft.Publication{Message: "PERSON_BASIC_FULLSYNC", PerMessage: 30, Segments: 3})
	w.drained()
	if len(ids) != 4 || len(r.posts()) != 1+3+3+1 {
		t.Fatalf("%d messages, %d requests", len(ids), len(r.posts()))
	}
	rows := 0
	for i, g := range r.posts() {
		rows += strings.Count(g.body, "<Transaction><PERSON ")
		flag := map[int]string{0: "<MSG_SEQ_FLG>H<", 7: "<MSG_SEQ_FLG>T<"}[i]
		if !strings.Contains(g.body, flag) || strings.Contains(g.body, "<AUDIT_ACTN>") {
			t.Errorf("request %d: %s", i, g.body)
		}
		if h := g.header; i == 2 && (h.Get("DataChunk") != "2" || h.Get("DataChunkCount") != "3" || h.Get("TransactionID") != ids[1]) {
			t.Errorf("request %d: %v", i, h)
		}
		if _, password, _ := basic(g.header); password != "let me in" || g.header.Get("Password") != "node" || g.header.Get("X-Site") != "1" {
			t.Errorf("request %d: %v", i, g.header)
		}
	}
	if rows != 50 {
		t.Errorf("%d people in the segments", rows)
	}
}

func basic(h http.Header) (user, password string, ok bool) {
	return (&http.Request{Header: h}).BasicAuth()
}
