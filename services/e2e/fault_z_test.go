package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

// refusal is a row of failures.md 3.5 in which Zendesk answers badly for a while.
type refusal struct {
	setup  setup
	faults []zdsim.Fault
	code   string // status says so while it lasts; "" when it ends by itself before anybody must know
	struck int    // so many calls must meet the fault; 1 when 0, none when negative
	lasts  bool   // longer than a test
	during func(t *testing.T, o *ordeal)
	after  func(t *testing.T, o *ordeal)
}

// play makes changes while the fault lasts, ends it, and judges.
func (r refusal) play(t *testing.T) {
	o := newOrdeal(t, r.setup)
	for _, f := range r.faults {
		o.ZD.Fault(f)
	}
	if r.setup.empty {
		o.judge.Remember()
	} else {
		o.changes(t, 0)
	}
	o.ask(t, adminapi.Sync{Full: true})
	if r.code != "" {
		o.sees(t, r.code)
	}
	until(t, time.Minute, "the fault strikes", func() bool { return r.struck < 0 || o.ZD.Struck() >= max(r.struck, 1) }, func() { t.Logf("struck %d", o.ZD.Struck()) })
	if r.during != nil {
		r.during(t, o)
	}
	o.ZD.ClearFaults()
	if r.lasts {
		noEffectTwice(t, o.ZD)
		return
	}
	o.judged(t)
	if r.after != nil {
		r.after(t, o)
	}
}

func later(seconds string) map[string]string { return map[string]string{"Retry-After": seconds} }

// kept wants no call on the road of a refused one before the time that was asked for has passed, and at least one behind
// it. A call that had left before the refusal may arrive a little behind it.
func kept(wait time.Duration) func(t *testing.T, o *ordeal) {
	return func(t *testing.T, o *ordeal) {
		list, again := o.ZD.Requests()[o.mark:], 0
		for i, r := range list {
			for _, next := range list[i+1:] {
				gap := next.At.Sub(r.At)
				if r.Status != http.StatusTooManyRequests || next.Route != r.Route || gap <= 100*time.Millisecond {
					continue
				}
				if again++; gap < wait {
					t.Errorf("%s was refused and called again after %v, want %v", r.Route, gap, wait)
				}
			}
		}
		if again == 0 {
			t.Error("no road of a refused call was taken again: nothing is shown")
		}
	}
}

// breaker wants the breaker in a state.
func breaker(state string) func(t *testing.T, o *ordeal) {
	return func(t *testing.T, o *ordeal) {
		until(t, 2*time.Minute, "the breaker is "+state, func() bool {
			s, err := o.client.Status(t.Context(), acme)
			return err == nil && s.Tenants[0].Breaker == state
		})
	}
}

// stays wants the breaker in a state at every look for so long.
func stays(state string, lasts time.Duration) func(t *testing.T, o *ordeal) {
	return func(t *testing.T, o *ordeal) {
		for end := time.Now().Add(lasts); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
			if s, err := o.client.Status(t.Context(), acme); err == nil && s.Tenants[0].Breaker != state {
				t.Fatalf("the breaker is %s, want %s; problems %+v", s.Tenants[0].Breaker, state, s.Tenants[0].Problems)
			}
		}
	}
}

// few wants at most so many calls in the next two seconds.
func few(most int) func(t *testing.T, o *ordeal) {
	return func(t *testing.T, o *ordeal) {
		before := len(o.ZD.Requests())
		<-time.After(2 * time.Second)
		if n := len(o.ZD.Requests()) - before; n > most {
			t.Errorf("%d calls in two seconds, want at most %d", n, most)
		}
	}
}

func both(list ...func(t *testing.T, o *ordeal)) func(t *testing.T, o *ordeal) {
	return func(t *testing.T, o *ordeal) {
		for _, f := range list {
			f(t, o)
		}
	}
}

const bulkCreate = "/api/v2/users/create_many"

func refusals() map[string]refusal {
	const single = "/api/v2/users/{id}"
	load := setup{empty: true}
	job := func(j zdsim.JobFault) []zdsim.Fault {
		return []zdsim.Fault{{Method: "POST", Path: "/api/v2/users/*", Contains: "psft:emp:", Job: &j, Times: 1}}
	}
	past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	soon := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	return map[string]refusal{
		"Z01 429 with Retry-After in seconds":            {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later("4"), Times: 2}}, after: kept(4 * time.Second)},
		"Z02 429 without Retry-After":                    {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Times: 2}}, after: kept(time.Second)},
		"Z02 Retry-After is 0":                           {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later("0"), Times: 2}}, after: kept(time.Second)},
		"Z02 Retry-After is negative":                    {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later("-5"), Times: 2}}, after: kept(time.Second)},
		"Z02 Retry-After is a fraction":                  {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later("1.5"), Times: 2}}, after: kept(time.Second)},
		"Z02 Retry-After is a word":                      {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later("soon"), Times: 2}}, after: kept(time.Second)},
		"Z03 Retry-After is a date in the past":          {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later(past), Times: 2}}, after: kept(time.Second)},
		"Z03 Retry-After is a date far away":             {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later(soon), Times: -1}}, code: "ZD_RATE_LONG", lasts: true, during: both(few(2), capped, breaker("closed"))},
		"Z04 Retry-After is huge":                        {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later("1000000000"), Times: -1}}, code: "ZD_RATE_LONG", lasts: true, during: both(few(2), capped, breaker("closed"))},
		"Z04 Retry-After overflows":                      {faults: []zdsim.Fault{{Path: "/api/*", Status: 429, Header: later("99999999999999999999999"), Times: -1}}, code: "ZD_RATE_LONG", lasts: true, during: both(few(2), capped, breaker("closed"))},
		"Z05 a storm of 429":                             {setup: manyBatches(), faults: []zdsim.Fault{{Status: 429, Times: -1}}, code: "ZD_RATE", struck: 3, during: both(stays("closed", 5*time.Second), few(4), waiting)},
		"Z06 503 for everything":                         {faults: []zdsim.Fault{{Status: 503, Times: -1}}, code: "ZD_DOWN", during: both(breaker("open"), few(3))},
		"Z06 502 with a page":                            {faults: []zdsim.Fault{{Status: 502, Times: 4, Body: "<html>bad gateway</html>"}}, struck: 4},
		"Z06 an empty 200":                               {faults: []zdsim.Fault{{Path: "/api/*", Empty: true, Times: 4}}, struck: 4},
		"Z07 200 with a page":                            {faults: []zdsim.Fault{{Path: "/api/*", HTML: true, Times: -1}}, code: "ZD_NOT_DATA"},
		"Z07 200 with a page in place of a write":        {faults: []zdsim.Fault{{Method: "POST", Path: "/api/*", HTML: true, Times: 2}, {Method: "PUT", Path: "/api/*", HTML: true, Times: 2}}, struck: 3},
		"Z08 401 once":                                   {faults: []zdsim.Fault{{Path: "/api/*", Status: 401, Times: 1, Body: `{"error":"invalid_token"}`}}, after: signIns(1, 2)},
		"Z08 401 for everything":                         {faults: []zdsim.Fault{{Path: "/api/*", Status: 401, Times: -1, Body: `{"error":"invalid_token"}`}}, code: "ZD_AUTH", during: both(few(60), breaker("open"))},
		"Z09 403 for everything":                         {faults: []zdsim.Fault{{Path: "/api/*", Status: 403, Times: -1, Body: `{"error":{"title":"Forbidden","message":"no"}}`}}, code: "ZD_FORBIDDEN", during: breaker("open")},
		"Z11 409 twice":                                  {faults: []zdsim.Fault{{Method: "PUT", Path: single, Status: 409, Times: 2, Body: `{"error":"Conflict"}`}}, struck: 2},
		"Z13 a job that failed":                          {setup: load, faults: job(zdsim.JobFault{Status: "failed"})},
		"Z13 a job that was killed half-way":             {setup: load, faults: job(zdsim.JobFault{Status: "killed", Applied: 20})},
		"Z13 a job in a state nobody knows":              {setup: quickWork(), faults: job(zdsim.JobFault{Status: "paused", Applied: 3})},
		"Z13 a job that is stuck":                        {setup: quickWork(), faults: job(zdsim.JobFault{Status: "working", Applied: 20})},
		"Z14 results in another order, some gone":        {setup: load, faults: job(zdsim.JobFault{Shuffle: true, Drop: 5})},
		"Z14 some of an update failed, in another order": {faults: []zdsim.Fault{{Method: "PUT", Path: "/api/v2/users/update_many", Job: &zdsim.JobFault{Refuse: 2, Shuffle: true}, Times: 1}}},
		"Z14 results twice":                              {setup: load, faults: job(zdsim.JobFault{Repeat: 30})},
		"Z14 results twice and in another order":         {setup: load, faults: job(zdsim.JobFault{Repeat: 100, Shuffle: true, Drop: 10})},
		"Z14 every job so, without addresses": {setup: setup{empty: true, zd: func(o *zdsim.Options) {
			o.Quirks = zdsim.Quirks{ShuffleResults: true, DropResults: 7, ResultsWithoutEmail: true}
		}}, struck: -1},
		"Z15 results that are gone":  {setup: setup{empty: true, zd: func(o *zdsim.Options) { o.JobRetention = time.Millisecond }}, struck: -1},
		"Z16 the queue of jobs full": {setup: load, faults: []zdsim.Fault{{Method: "POST", Path: bulkCreate, Status: 429, Header: later("1"), Times: 2, Body: `{"error":"TooManyJobs","description":"too many jobs"}`}}, struck: 2, after: kept(time.Second)},
		"Z16 one job at a time":      {setup: setup{empty: true, employees: 250, zd: func(o *zdsim.Options) { o.MaxJobs = 1 }}, struck: -1},
	}
}

// manyBatches has each record in a batch of its own, and none of them waits long for a limit: a storm of 429 meets as many
// at once as there can be, which is what a breaker that counted refusals would open for.
func manyBatches() setup {
	return setup{tuning: func(t *assembly.Tuning) { t.WriterBatch, t.Patience = 1, 300*time.Millisecond }}
}

// quickWork gives a batch up after little time: a job that hangs is the matter of these rows.
func quickWork() setup {
	return setup{empty: true, tuning: func(t *assembly.Tuning) { t.WriterWork, t.JobLife = 3*time.Second, time.Second }}
}

// capped: a quarter of an hour is the most that we stay away. Nobody waits so long here: how it goes on is shown in
// virtual time (TestWaitsOfRetryAfter, TestRefusingAccountIsProbedByOneRecord).
func capped(t *testing.T, o *ordeal) {
	p := o.sees(t, "ZD_RATE_LONG")
	if !slices.ContainsFunc([]string{"in 15m0s", "in 14m5"}, func(s string) bool { return contains(p.Detail, s) }) {
		t.Errorf("detail %q, want a wait of a quarter of an hour", p.Detail)
	}
}

// waiting: status tells that calls wait for Zendesk's limit.
func waiting(t *testing.T, o *ordeal) {
	until(t, 20*time.Second, "status tells of the wait", func() bool {
		s, err := o.client.Status(t.Context(), acme)
		return err == nil && s.Tenants[0].Budget != nil && s.Tenants[0].Budget.Waiting > 0
	})
}

// signIns wants so many new tokens at least and at most.
func signIns(least, most int) func(t *testing.T, o *ordeal) {
	return func(t *testing.T, o *ordeal) {
		n := 0
		for _, r := range o.ZD.Requests()[o.mark:] {
			if contains(r.Path, "/oauth/tokens") {
				n++
			}
		}
		if n < least || n > most {
			t.Errorf("%d sign-ins, want %d to %d", n, least, most)
		}
	}
}

func TestFaultScriptOfZendesk(t *testing.T) {
	rows := refusals()
	for _, slow := range []string{"Z06 503 for everything", "Z05 a storm of 429", "Z13 a job that is stuck"} {
		r, ok := rows[slow]
		if !ok {
			t.Fatalf("no row %q", slow)
		}
		t.Run(slow, r.play)
		delete(rows, slow)
	}
	for name, r := range rows {
		t.Run(name, r.play)
	}
	for _, row := range []string{"Z19 a webhook comes again", "Z20 the echo of our own write", "Z21 both sides change at once"} {
		t.Run(row, func(t *testing.T) { t.Skip("NOT RUN: there is no webhook door yet, it is a later issue") })
	}
}
