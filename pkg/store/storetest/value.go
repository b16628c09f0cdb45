package storetest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// The two tenants of every test.
const (
	acme   tenant.ID = "acme"
	globex tenant.ID = "globex"
)

// noon is a time with microseconds, away from UTC: backends give it back in UTC.
func noon() time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.FixedZone("UTC+2", 2*60*60))
}

func employee(n int) record.Ref {
	return record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%06d", n)}
}

func vendor(n int) record.Ref {
	return record.Ref{Kind: record.Vendor, Key: record.VendorKey("SHARE", fmt.Sprintf("%010d", n))}
}

// documents are bodies that a backend may be tempted to change.
func documents() map[string][]byte {
	return map[string][]byte{
		"odd white space":        []byte("{ \"a\" :1,\n\t\"b\":[ 1 ,2 ]}\n"),
		"keys out of order":      []byte(`{"b":1,"a":2,"b":3}`),
		"numbers beyond floats":  []byte(`{"n":12345678901234567890.10}`),
		"four-byte unicode":      []byte(`{"name":"𝒜da 🦉 Müller-Łącka"}`),
		"escapes":                []byte(`{"q":"\u0000\u2028\\\"'%s$1?"}`),
		"a megabyte":             []byte(`"` + strings.Repeat("ä", 1<<19) + `"`),
		"not even json":          []byte("  text\r\n"),
		"names of other dialect": []byte(`null`),
	}
}

func entry(id string, ref record.Ref) audit.Entry {
	return audit.Entry{
		ID: id, Ref: ref, At: noon(), Stage: audit.Transformer, Verb: "update", Outcome: audit.Resolved,
		Code: "MISSING_TITLE", Detail: "no title in job row", Next: "fill JOBCODE", Cause: "cycle/c1", Event: "e1", Version: 7,
		Changes: []audit.Change{{Field: "name", Before: "", After: "Ada 🦉"}}, Explain: []string{"active", "because"},
		Request: "PUT /users/1",
	}
}

func entries(prefix string, n int) []audit.Entry {
	out := make([]audit.Entry, n)
	for i := range out {
		out[i] = entry(fmt.Sprintf("%s-%d", prefix, i), employee(i))
	}
	return out
}

// utc is t as a backend answers it.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// must unwraps an answer that must not fail.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %#v, want %#v", what, got, want)
	}
}

// race runs fn n times at once and answers how often it said true.
func race(t *testing.T, n int, fn func(i int) (bool, error)) int {
	t.Helper()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		won   int
		start = make(chan struct{})
	)
	for i := range n {
		wg.Go(func() {
			<-start
			yes, err := fn(i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("call %d: %v", i, err)
			}
			if yes {
				won++
			}
		})
	}
	close(start)
	wg.Wait()
	return won
}
