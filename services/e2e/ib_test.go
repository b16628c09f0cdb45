package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const ibPassword = "ingress-password-of-the-test"

// newIBWorld starts a system with an ingress, and a PeopleSoft that sends every life event to it.
func newIBWorld(t testing.TB, employees, vendors int, o pssim.NodeOptions) *world {
	t.Helper()
	w := &world{Company: newCompany(t, employees, vendors), ingress: freePort(t)}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, t.TempDir(), "")
	w.applyIB(t)
	w.sender(t, o)
	return w
}

// sender lets the company's PeopleSoft send until the test ends.
func (w *world) sender(t testing.TB, o pssim.NodeOptions) {
	t.Helper()
	o.URL, o.User, o.Password = "http://"+w.ingress+"/ib/acme", "PSFT", ibPassword
	if o.PingEvery == 0 {
		o.PingEvery = 50 * time.Millisecond
	}
	if err := w.PS.Node(o); err != nil {
		t.Fatal(err)
	}
	until(t, 30*time.Second, "the door is open", func() bool { // settings are read within the time of Tuning.Reload
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.URL, strings.NewReader("a picture"))
		if err != nil {
			return false
		}
		r.Header.Set("Content-Type", "image/png")
		r.SetBasicAuth(o.User, o.Password)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusUnsupportedMediaType // a sender that is not known gets 401
	})
	run(t, app.Component{Name: "sender", Run: w.PS.RunSender})
}

// applyIB applies the company's settings with an ingress and polls so rare that none falls into a test.
func (w *world) applyIB(t testing.TB) {
	t.Helper()
	file := strings.Replace(w.TenantFile(), "  schedule: { employees: 5m, vendors: 15m,", "  ib: { nodes: [PSFT_HR, PSFT_EP], auth: { basic: { username: PSFT, password: env:DEMO_IB_PASSWORD } } }\n"+
		"  schedule: { employees: 12h, vendors: 12h,", 1)
	// The guard for mass changes has tests of its own.
	file += "guard: { suspend: { floor: 100000 }, email: { floor: 100000 }, create: { floor: 100000 } }\n"
	values := w.values()
	values[string(acme)]["peoplesoft.ib.password"] = ibPassword
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "ib.yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
}

// noQuery makes every poll fail, so that what arrives came by message.
func (w *world) noQuery(t testing.TB) {
	t.Helper()
	if err := w.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
}

// arrived waits until PeopleSoft's queues are empty, without any Error on the way, and the system is quiet.
func (w *world) arrived(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if !w.PS.Drained(ctx) {
		t.Fatalf("PeopleSoft's queues do not move: %+v", w.PS.Queues())
	}
	for _, q := range w.PS.Queues() {
		if q.Errors > 0 {
			t.Errorf("queue %s stood still: %+v", q.Name, q)
		}
	}
	w.quiet(t)
}

// noDead fails the test when a message ended as a dead letter.
func (w *world) noDead(t testing.TB) {
	t.Helper()
	s, err := w.client.Status(t.Context(), acme)
	if err != nil || len(s.Tenants) != 1 {
		t.Fatal(err, s)
	}
	if n := s.Tenants[0].DeadLetters; n > 0 {
		t.Errorf("%d dead letters", n)
	}
}

func (w *world) publish(t testing.TB, p pssim.Publication) {
	t.Helper()
	if _, err := w.PS.Publish(p); err != nil {
		t.Fatal(err)
	}
}

func (w *world) event(t testing.TB, e pssim.Event) pssim.Effect {
	t.Helper()
	effect, err := w.PS.Apply(e)
	if err != nil {
		t.Fatal(err)
	}
	return effect
}

// user waits for a person in Zendesk.
func (w *world) user(t testing.TB, emplID string, right func(zdsim.User) bool) zdsim.User {
	t.Helper()
	var u zdsim.User
	until(t, 30*time.Second, "Zendesk has "+emplID, func() bool {
		found, ok := w.ZD.UserByExternalID("psft:emp:" + emplID)
		u = found
		return ok && right(u)
	}, func() { t.Logf("it has %+v", u) })
	return u
}

// setupMessages publishes all reference data.
func (w *world) setupMessages(t testing.TB) {
	t.Helper()
	for _, m := range []string{"DEPT_FULLSYNC", "JOBCODE_FULLSYNC", "POSITION_FULLSYNC"} {
		w.publish(t, pssim.Publication{Message: m, PerMessage: 100})
	}
	w.arrived(t)
}

func TestAHireByMessageReachesZendeskWithoutAPoll(t *testing.T) {
	for name, o := range map[string]pssim.NodeOptions{"the person before the job": {}, "the job before the person": {JobFirst: true}} {
		t.Run(name, func(t *testing.T) {
			w := newIBWorld(t, 100, 20, o)
			w.noQuery(t)
			w.setupMessages(t)
			id := w.event(t, pssim.Event{Type: "hire", First: "Dana", Last: "O'Malvey", Email: "dana.omalvey@example.com", Dept: "0010200", Title: "Astronaut"}).Key()
			e, _ := w.PS.Truth("").Employee(id)
			w.user(t, id, func(u zdsim.User) bool {
				return u.Name == "Dana O'Malvey" && u.Email != nil && *u.Email == "dana.omalvey@example.com" && !u.Suspended &&
					u.UserFields["department"] == e.Department && u.UserFields["job_title"] == e.Title
			})
			w.arrived(t)
			w.noDead(t)
			noEffectTwice(t, w.ZD)
		})
	}
}

// The whole company by messages alone, in segments, and then its life.
func TestACompanyByFullSyncAloneIsTrue(t *testing.T) {
	w := newIBWorld(t, 250, 40, pssim.NodeOptions{})
	w.noQuery(t)
	for _, m := range []string{"WORKFORCE_FULLSYNC", "PERSON_BASIC_FULLSYNC", "VENDOR_FULLSYNC"} { // jobs first
		w.publish(t, pssim.Publication{Message: m, PerMessage: 60, Segments: 3})
	}
	w.setupMessages(t)
	w.agree(t)
	noEffectTwice(t, w.ZD)
	writes := w.ZD.Counters().Writes
	for _, m := range []string{"PERSON_BASIC_FULLSYNC", "WORKFORCE_FULLSYNC", "VENDOR_FULLSYNC", "DEPT_FULLSYNC"} {
		w.publish(t, pssim.Publication{Message: m})
	}
	w.arrived(t)
	if again := w.ZD.Counters().Writes; again != writes {
		t.Errorf("%d writes of a second full sync without a change", again-writes)
	}
	dice := rand.New(rand.NewPCG(3, 3))
	for i := range 64 {
		w.judge.Remember()
		w.event(t, busy(t, w.PS, dice, i))
	}
	w.arrived(t)
	w.agree(t)
	w.noDead(t)
	noCanary(t, w)
}

// noCanary looks for national ids, birth dates, pay and bank data where they must never be.
func noCanary(t testing.TB, w *world) {
	t.Helper()
	all := fmt.Sprintf("%+v %+v", w.ZD.Users(), w.ZD.Organizations())
	for _, e := range w.ZD.Effects() {
		all += fmt.Sprintf("%+v %+v", e.Before, e.After)
	}
	found, err := w.client.Findings(t.Context(), acme)
	all += fmt.Sprintf("%+v %v", found, err)
	for _, c := range []string{pssim.Canary, pssim.CanaryDate, pssim.CanaryPay} {
		if strings.Contains(all, c) {
			t.Errorf("%s left PeopleSoft's messages", c)
		}
	}
}

func TestADepartmentsTextThatArrivesLaterRefreshesItsPeople(t *testing.T) {
	w := newIBWorld(t, 100, 20, pssim.NodeOptions{})
	w.noQuery(t)
	hire := func() string {
		return w.event(t, pssim.Event{Type: "hire", Dept: "0010200", Title: "Astronaut"}).Key()
	}
	ids := []string{hire(), hire(), hire()}
	other := w.event(t, pssim.Event{Type: "hire", Dept: "0010300", Title: "Astronaut"}).Key()
	for _, id := range append(ids, other) {
		w.user(t, id, func(zdsim.User) bool { return true })
	}
	w.arrived(t)
	w.publish(t, pssim.Publication{Message: "DEPT_SYNC", Keys: []string{"0010200"}})
	for _, id := range ids {
		e, _ := w.PS.Truth("").Employee(id)
		w.user(t, id, func(u zdsim.User) bool { return u.UserFields["department"] == e.Department })
	}
	w.event(t, pssim.Event{Type: "rename-department", Dept: "0010200", Name: "Orbital Works"})
	for _, id := range ids {
		w.user(t, id, func(u zdsim.User) bool { return u.UserFields["department"] == "Orbital Works" })
	}
	w.arrived(t)
	if u, _ := w.ZD.UserByExternalID("psft:emp:" + other); u.UserFields["department"] == "Orbital Works" {
		t.Error("somebody of another department was changed")
	}
}

// Every format of peoplesoft.md 1.2 and every shape of a rowset, from the wire to Zendesk.
func TestEveryWireFormatReachesZendesk(t *testing.T) {
	for name, shape := range map[string]pssim.Shape{
		"as delivered":        {},
		"nested otherwise":    {Views: true, JobParent: "EMPLOYMENT", PSCAMA: "inside", FieldTypes: "empty", Namespace: true, Custom: true},
		"without decorations": {NoClass: true, PSCAMA: "none", FieldTypes: "none", Blank: "empty", JobParent: "PERSON"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newIBWorld(t, -1, -1, pssim.NodeOptions{Shape: shape})
			w.noQuery(t)
			w.setupMessages(t)
			for i, wire := range pssim.Wires() {
				if err := w.PS.Format(wire); err != nil {
					t.Fatal(err)
				}
				mail := fmt.Sprintf("wire%d@example.com", i)
				id := w.event(t, pssim.Event{Type: "hire", First: "Zoë", Last: fmt.Sprintf("Ñandú-日本 & <Co> %d", i), Email: mail}).Key()
				vendor := w.event(t, pssim.Event{Type: "vendor-add", Name: fmt.Sprintf("Söhne & <Co> %d", i)}).Key()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if !w.PS.Drained(ctx) {
					t.Errorf("%s: %+v", wire, w.PS.Queues())
				}
				cancel()
				t.Logf("%s: %s, %s", wire, id, vendor)
			}
			w.arrived(t)
			w.agree(t)
			w.noDead(t)
			noEffectTwice(t, w.ZD)
		})
	}
}
