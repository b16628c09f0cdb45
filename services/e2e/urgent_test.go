package e2e

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// urgentBound is how long a suspension may take from its record's request to Zendesk while a first load runs.
const urgentBound = 3 * time.Second

// Somebody leaves in the middle of a first load, while thousands wait for the transformer and the writer. From the moment
// PeopleSoft is asked about the leaver, or tells it by message, the suspension overtakes them all, and passes the guard
// on its way: one leaver is no mass change. Nothing slows the load down but the machine.
// MLC_URGENT_USERS sets the size of the company (100000 is the proof, 20000 the default).
func TestASuspensionOvertakesAFirstLoad(t *testing.T) {
	employees := 20_000
	if n, err := strconv.Atoi(os.Getenv("MLC_URGENT_USERS")); err == nil {
		employees = n
	}
	for name, message := range map[string]bool{"asked by key": false, "told by message": true} {
		t.Run(name, func(t *testing.T) {
			w := &world{Company: newCompany(t, employees, 20), ingress: freePort(t)}
			w.judge = demo.NewJudge(w.Company)
			w.start(t, t.TempDir(), "")
			w.applyIBGuarded(t)
			if message {
				w.sender(t, pssim.NodeOptions{})
			}
			_, err := w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
			must(t, err)
			until(t, 2*time.Minute, "a part is loaded", func() bool { return len(w.ZD.Users()) > employees/20 })
			who := w.leaver()
			w.judge.Remember()
			began := time.Now()
			_, err = w.PS.Terminate(who, w.PS.Today()) // where messages are sent, it sends one
			must(t, err)
			if !message {
				_, err = w.client.Sync(t.Context(), acme, adminapi.Sync{Kind: "employees", Key: who})
				must(t, err)
			}
			until(t, time.Minute, "the leaver is suspended", func() bool { return w.effects("suspend", who) > 0 })
			took, loaded := time.Since(began), len(w.ZD.Users())
			t.Logf("suspended after %s, with %d of about %d users loaded", took.Round(10*time.Millisecond), loaded, employees)
			if took > urgentBound {
				t.Errorf("suspended after %s, want at most %s", took, urgentBound)
			}
			if loaded > employees*8/10 {
				t.Errorf("%d users were loaded already: the load was over, nothing was overtaken", loaded)
			}
			w.patience = 5 * time.Minute
			w.quiet(t)
			w.agree(t)
			if n := w.effects("suspend", who) + w.effects("restore", who); n != 1 {
				t.Errorf("the leaver was suspended or let in again %d times, want 1", n)
			}
			noEffectTwice(t, w.ZD)
		})
	}
}

// applyIBGuarded applies the company's settings with an ingress and the guard as it is by default.
func (w *world) applyIBGuarded(t testing.TB) {
	t.Helper()
	file := strings.Replace(w.TenantFile(), "  schedule: { employees: 5m, vendors: 15m,", "  ib: { nodes: [PSFT_HR, PSFT_EP], auth: { basic: { username: PSFT, password: env:DEMO_IB_PASSWORD } } }\n"+
		"  schedule: { employees: 12h, vendors: 12h,", 1)
	values := w.values()
	values[string(acme)]["peoplesoft.ib.password"] = ibPassword
	_, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "urgent.yaml", File: strings.ReplaceAll(file, "max_rows: 100", "max_rows: 1000"), Actor: "test", Values: values})
	must(t, err)
}

// leaver is somebody with one job whom Zendesk has already.
func (w *world) leaver() string {
	here := map[string]bool{}
	for _, u := range w.ZD.Users() {
		if u.ExternalID != nil {
			here[*u.ExternalID] = true
		}
	}
	for _, e := range w.PS.Truth("").Employees {
		if e.Active && e.InScope && e.NextChange == "" && len(e.PerOrg) == 1 && here["psft:emp:"+e.EmplID] {
			return e.EmplID
		}
	}
	return ""
}

// effects counts a verb's effects on a person.
func (w *world) effects(verb, emplID string) (n int) {
	for _, e := range w.ZD.Effects() {
		if e.Verb == verb && e.ExternalID == "psft:emp:"+emplID {
			n++
		}
	}
	return n
}
