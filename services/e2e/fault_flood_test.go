package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// How long a change of one record may take from its request to Zendesk while another tenant floods: floodBound as a rule,
// and never longer than floodWorst, however busy the machine is with other things.
const (
	floodBound = 3 * time.Second
	floodWorst = 15 * time.Second
)

// M08: another tenant loads hundred times as many records. A change of ours takes, by the median, less than twice its time
// or less than floodBound.
func TestFaultScriptOfAFlood(t *testing.T) {
	const employees = 20_000
	w := &world{Company: newCompany(t, employees/100, 5)}
	other := newCompany(t, employees, 20)
	w.judge = demo.NewJudge(w.Company)
	w.start(t, t.TempDir(), "")
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	o := &ordeal{world: w}
	alone := o.delays(t, "Calm", 5)
	file := "tenant: other" + other.TenantFile()[len("tenant: acme"):]
	values := map[string]map[string]string{"other": w.values()[string(acme)]}
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "other.yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Sync(t.Context(), "other", adminapi.Sync{Full: true}); err != nil {
		t.Fatal(err)
	}
	until(t, time.Minute, "the flood has begun", func() bool { return len(other.ZD.Users()) > employees/50 })
	flooded := o.delays(t, "Flooded", 3) // a quiet machine loads the flood in six seconds
	loaded := len(other.ZD.Users())
	t.Logf("alone %v, beside a flood %v (%d of %d loaded)", alone, flooded, loaded, employees)
	if loaded > employees*8/10 {
		t.Errorf("%d users were loaded already: there was no flood", loaded)
	}
	if rule := median(flooded); rule > max(2*median(alone), floodBound) || slices.Max(flooded) > max(2*slices.Max(alone), floodWorst) {
		t.Errorf("%v beside a flood, %v alone", flooded, alone)
	}
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	noEffectTwice(t, w.ZD)
}

// delays changes n people one after the other and answers how long each took to Zendesk.
func (o *ordeal) delays(t *testing.T, word string, n int) (list []time.Duration) {
	t.Helper()
	for i, key := range o.staff(n) {
		title := fmt.Sprintf("%s Title %d", word, i)
		did(t)(o.PS.ChangeTitle(key, title, o.PS.Today()))
		began := time.Now()
		if _, err := o.client.Sync(t.Context(), acme, adminapi.Sync{Kind: "employees", Key: key}); err != nil {
			t.Fatal(err)
		}
		until(t, time.Minute, "the change of "+key, func() bool { return o.ours(t, key).UserFields["job_title"] == title })
		list = append(list, time.Since(began).Round(10*time.Millisecond))
	}
	return list
}
