package listener_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

func many(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%07d", i)
	}
	return keys
}

func TestResendsHaveOneEffect(t *testing.T) {
	for name, c := range map[string]struct {
		send []letter
		want []string
	}{
		"the same transaction":                  {[]letter{{Tx: "1", Keys: []string{"a"}}, {Tx: "1", Keys: []string{"a"}}}, []string{"a"}},
		"another transaction, the same content": {[]letter{{Tx: "1", Keys: []string{"a"}}, {Tx: "2", Keys: []string{"a"}}}, []string{"a", "a"}},
		"segments of one transaction":           {[]letter{{Tx: "1", Chunk: 1, Chunks: 2, Keys: []string{"a"}}, {Tx: "1", Chunk: 2, Chunks: 2, Keys: []string{"a"}}}, []string{"a", "a"}},
		"edited by an administrator":            {[]letter{{Tx: "1", Keys: []string{"a"}}, {Tx: "1", Keys: []string{"b"}}}, []string{"a", "b"}},
		"no transaction, the same time":         {[]letter{{Sent: "1", Keys: []string{"a"}}, {Sent: "1", Keys: []string{"a"}}}, []string{"a"}},
		"no transaction, another time":          {[]letter{{Sent: "1", Keys: []string{"a"}}, {Sent: "2", Keys: []string{"a"}}}, []string{"a", "a"}},
		"neither transaction nor time":          {[]letter{{Keys: []string{"a"}}, {Keys: []string{"a"}}}, []string{"a"}},
		"neither, and back again":               {[]letter{{Keys: []string{"a"}}, {Keys: []string{"b"}}, {Keys: []string{"a"}}}, []string{"a", "b", "a"}},
		"one record twice in a message":         {[]letter{{Tx: "1", Keys: []string{"a", "a"}}}, []string{"a", "a"}},
	} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart between: %t", name, crash), func(t *testing.T) {
				if crash && name == "neither, and back again" {
					t.Skip("NOT RUN: the turn of content is remembered by the process alone (see memory.turn)")
				}
				x := newHouse(t, listener.Options{})
				for _, l := range c.send {
					if res := x.post(l); res.StatusCode != http.StatusOK {
						t.Fatalf("status %d", res.StatusCode)
					}
					if crash { // a process that remembers nothing; the broker knows its ids
						x.srv.Config.Handler = listener.New(x.doors, x.bus, seal, listener.Options{Form: form})
					}
				}
				if got := x.bus.keys(); !slices.Equal(got, c.want) {
					t.Fatalf("stored %v, want %v", got, c.want)
				}
			})
		}
	}
}

// TestSegmentsOfEqualContentAreDeliveriesOfTheirOwn numbers them by header alone.
func TestSegmentsOfEqualContentAreDeliveriesOfTheirOwn(t *testing.T) {
	x := newHouse(t, listener.Options{})
	for _, chunk := range []string{"1", "2", "1", "3"} {
		x.post(letter{Tx: "1", Keys: []string{"a"}}, header("DataChunk", chunk))
	}
	if got := x.bus.keys(); len(got) != 3 {
		t.Fatalf("stored %v, want 3", got)
	}
}

func TestARepeatedDeliveryIsToldAndNotStored(t *testing.T) {
	x := newHouse(t, listener.Options{})
	for range 3 {
		x.post(letter{Tx: "1", Keys: []string{"a"}})
	}
	if got, want := x.bus.outcomes(), []audit.Outcome{audit.Received, audit.Unchanged, audit.Unchanged}; !slices.Equal(got, want) {
		t.Fatalf("audit %v, want %v", got, want)
	}
	if x.bus.calls != 1 {
		t.Errorf("%d publishes of facts", x.bus.calls)
	}
}

func TestLargeMessagesAreStoredWholeOrNotAtAll(t *testing.T) {
	for name, c := range map[string]struct {
		letter letter
		status int
		stored int
	}{
		"one batch exactly":             {letter{Tx: "1", Keys: many(500)}, 200, 500},
		"one record more":               {letter{Tx: "1", Keys: many(501)}, 200, 501},
		"many batches":                  {letter{Tx: "1", Keys: many(2345)}, 200, 2345},
		"large records":                 {letter{Tx: "1", Keys: many(30), Large: 800 << 10}, 200, 30},
		"cut behind the last record":    {letter{Tx: "1", Keys: many(2345), Fail: "each cut"}, 503, 0},
		"broken behind the last record": {letter{Tx: "1", Keys: many(2345), Fail: "each invalid"}, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := newHouse(t, listener.Options{})
			for range 2 {
				if res := x.post(c.letter); res.StatusCode != c.status {
					t.Fatalf("status %d, want %d", res.StatusCode, c.status)
				}
			}
			got := x.bus.keys()
			if len(got) != c.stored || c.stored > 0 && !slices.Equal(got, c.letter.Keys) {
				t.Fatalf("%d records stored, or in another order", len(got))
			}
		})
	}
}

// TestAMessageThatIsAtFaultItselfStopsNoQueue sends what may heal and does not, again and again.
func TestAMessageThatIsAtFaultItselfStopsNoQueue(t *testing.T) {
	for fail, code := range map[string]fault.Code{"open cut": fault.SourceTruncated, "each cut": fault.SourceTruncated, "open panic": fault.Poison, "each panic": fault.Poison} {
		t.Run(fail, func(t *testing.T) {
			x := newHouse(t, listener.Options{})
			var got []int
			for range 6 {
				got = append(got, x.post(letter{Tx: "1", Keys: []string{"a"}, Fail: fail}).StatusCode)
			}
			if want := []int{503, 503, 503, 503, 200, 200}; !slices.Equal(got, want) {
				t.Fatalf("answers %v, want %v", got, want)
			}
			if len(x.bus.dead) != 1 || x.bus.dead[0].Code != code || strings.Contains(x.bus.dead[0].Detail, "canary") {
				t.Fatalf("dead letters %+v", x.bus.dead)
			}
		})
	}
}

// TestWhatTheBrokerNeverTakesIsBuried lets the broker refuse the facts for good.
func TestWhatTheBrokerNeverTakesIsBuried(t *testing.T) {
	x := newHouse(t, listener.Options{})
	x.bus.fail, x.bus.failing = fault.New(fault.Invalid, fault.TooLarge, "larger than the broker takes"), bus.ERP
	if res := x.post(letter{Tx: "1", Keys: []string{"a"}}); res.StatusCode != http.StatusOK || len(x.bus.dead) != 1 {
		t.Fatalf("status %d, dead letters %+v", res.StatusCode, x.bus.dead)
	}
}

func TestABrokerThatComesBackGetsEverythingOnce(t *testing.T) {
	x := newHouse(t, listener.Options{})
	x.bus.set(func(b *fakeBus) { b.fail = errDown })
	for range 3 {
		if res := x.post(letter{Tx: "1", Keys: []string{"a"}}); res.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	x.bus.set(func(b *fakeBus) { b.fail = nil })
	if res := x.post(letter{Tx: "1", Keys: []string{"a"}}); res.StatusCode != http.StatusOK || len(x.bus.keys()) != 1 {
		t.Fatalf("status %d, %v", res.StatusCode, x.bus.keys())
	}
}

func TestABrokerThatDoesNotAnswerIs503InTime(t *testing.T) {
	x := newHouse(t, listener.Options{Wait: 50 * time.Millisecond})
	x.bus.hold = make(chan struct{})
	began := time.Now()
	if res := x.post(letter{Tx: "1", Keys: []string{"a"}}); res.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("status %d", res.StatusCode)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Fatalf("answered after %s", took)
	}
}

// TestMoreThanATenantMayHaveAtOnceIs503 fills the places of one tenant; another one is served meanwhile.
func TestMoreThanATenantMayHaveAtOnceIs503(t *testing.T) {
	x := newHouse(t, listener.Options{InFlight: 2})
	other := *x.door
	other.Tenant = "other"
	x.doors.Set(map[tenant.ID]*listener.Door{"acme": x.door, "other": &other})
	x.bus.hold, x.bus.entered = make(chan struct{}), make(chan struct{}, 10)
	var sent sync.WaitGroup
	for i := range 2 {
		sent.Go(func() { x.post(letter{Tx: fmt.Sprint(i), Keys: []string{"a"}}) })
	}
	<-x.bus.entered
	<-x.bus.entered
	if res := x.post(letter{Tx: "3", Keys: []string{"b"}}); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the third got %d", res.StatusCode)
	}
	hold := x.bus.hold
	x.bus.set(func(b *fakeBus) { b.hold, b.entered = nil, nil })
	if res := x.send("POST", "/ib/other", `{"From":"PSFT_HR","Tx":"9","Keys":["1"]}`); res.StatusCode != http.StatusOK {
		t.Errorf("the other tenant got %d", res.StatusCode)
	}
	close(hold)
	sent.Wait()
}

func TestAPanicIsNotTold(t *testing.T) {
	for _, fail := range []string{"open panic", "each panic"} {
		t.Run(fail, func(t *testing.T) {
			var log bytes.Buffer
			x := newHouse(t, listener.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
			res := x.post(letter{Tx: "1", Fail: fail})
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != http.StatusServiceUnavailable || strings.Contains(string(body)+log.String(), "canary") {
				t.Fatalf("%d %s\n%s", res.StatusCode, body, log.String())
			}
		})
	}
	x := newHouse(t, listener.Options{Counted: func(_ tenant.ID, status int, _ fault.Code) {
		if status == 0 {
			t.Error("counted without a status")
		}
	}})
	x.bus.panics = true
	if res := x.post(letter{Tx: "1", Keys: []string{"a"}}); res.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a panic while storing: %d", res.StatusCode)
	}
	x.bus.panics = false
	if res := x.post(letter{Tx: "1", Keys: []string{"a"}}); res.StatusCode != http.StatusOK {
		t.Fatalf("after the panic: %d", res.StatusCode)
	}
}

func TestADeadLetterKeepsTheMessageSealed(t *testing.T) {
	x := newHouse(t, listener.Options{})
	x.send("POST", "/ib/acme", "<NATIONAL_ID>canary-078-05-1120", header("TransactionID", "T1"), header("From", "PSFT_HR"))
	if len(x.bus.dead) != 1 {
		t.Fatalf("%d dead letters", len(x.bus.dead))
	}
	d := x.bus.dead[0]
	text := string(d.Original) + string(d.Raw) + d.Detail
	if strings.Contains(text, "canary") || !strings.Contains(text, `"sealed for":"acme dead letter of ib-listener`) || !strings.Contains(text, `"sha256"`) || !strings.Contains(text, `"transaction":"T1"`) {
		t.Fatal(text)
	}
	if a := x.bus.audit[0]; a.Cause != "ib/T1" || a.Code != string(fault.SourceNotData) || strings.Contains(a.Detail, "canary") {
		t.Fatalf("%+v", a)
	}
}

func TestNotesAreTold(t *testing.T) {
	x := newHouse(t, listener.Options{})
	x.post(letter{Name: "PERSON_BASIC_SYNC", Tx: "1", Keys: []string{"a"}, Chunk: 2, Chunks: 3, Notes: []source.Note{{Code: "SRC_SCHEMA", Detail: "NAMES.EFFDT: not a date"}}})
	if len(x.bus.audit) != 2 || x.bus.audit[1].Code != "SRC_SCHEMA" || x.bus.audit[1].Outcome != audit.Failed {
		t.Fatalf("%+v", x.bus.audit)
	}
	if d := x.bus.audit[0].Detail; !strings.Contains(d, "PERSON_BASIC_SYNC from PSFT_HR (F1), segment 2 of 3: 1 records") {
		t.Fatal(d)
	}
}

func TestTheSenderMayHangUp(t *testing.T) {
	x := newHouse(t, listener.Options{})
	x.bus.hold, x.bus.entered = make(chan struct{}), make(chan struct{}, 1)
	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, _ := http.NewRequestWithContext(ctx, "POST", x.srv.URL+"/ib/acme", strings.NewReader(`{"From":"PSFT_HR","Tx":"1","Keys":["1"]}`))
		r.SetBasicAuth("psft", "right")
		if res, err := http.DefaultClient.Do(r); err == nil {
			_ = res.Body.Close()
		}
	}()
	<-x.bus.entered
	hangUp()
	<-done
	close(x.bus.hold)
	x.srv.Close() // waits for the handler
	if got := x.bus.keys(); len(got) != 1 {
		t.Fatalf("stored %v", got)
	}
}
