package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const (
	scaleTenants = 10
	scaleWriters = 4
)

// customer is one tenant of many.
type customer struct {
	*demo.Company
	id     tenant.ID
	judge  *demo.Judge
	people []pssim.EmployeeTruth
}

func newCustomer(t testing.TB, n int, jobs time.Duration) *customer {
	t.Helper()
	c, err := demo.NewCompany(60, 12, uint64(n)+1, 0, jobs)
	must(t, err)
	run(t, c.Parts...)
	return &customer{Company: c, id: tenant.ID(fmt.Sprintf("customer-%02d", n)), judge: demo.NewJudge(c)}
}

// join applies the tenant's settings.
func (c *customer) join(t testing.TB, client *adminapi.Client) {
	t.Helper()
	file := strings.Replace(c.TenantFile(), "tenant: acme", "tenant: "+string(c.id), 1)
	values := map[string]map[string]string{string(c.id): {"peoplesoft.hcm.password": c.Secrets["DEMO_PS_PASSWORD"],
		"peoplesoft.fscm.password": c.Secrets["DEMO_PS_PASSWORD"], "zendesk.client_secret": c.Secrets["DEMO_ZD_SECRET"]}}
	_, err := client.Apply(t.Context(), adminapi.Apply{Name: "scale.yaml", File: file, Actor: "test", Values: values})
	must(t, err)
	for _, e := range c.PS.Truth("").Employees {
		if e.Active && e.InScope && e.NextChange == "" && len(e.PerOrg) == 1 {
			c.people = append(c.people, e)
		}
	}
}

// promote gives somebody the title of the round: what is written later must never be an earlier one.
func (c *customer) promote(t testing.TB, dice *rand.Rand, round int) {
	t.Helper()
	_, err := c.PS.ChangeTitle(c.people[dice.IntN(10)].EmplID, fmt.Sprintf("Round %d", round), c.PS.Today())
	must(t, err)
}

// inOrder fails when a user's title went back to that of an earlier round; it answers how many users got a title.
func (c *customer) inOrder(t testing.TB) (seen int) {
	t.Helper()
	last := map[string]int{}
	for _, e := range c.ZD.Effects() {
		u, ok := e.After.(*zdsim.User)
		if !ok || e.RequestID == "" || !slices.Contains(e.Changed, "user_fields") && !slices.ContainsFunc(e.Changed, func(f string) bool { return strings.Contains(f, "job_title") }) {
			continue
		}
		round := 0
		if text, ok := strings.CutPrefix(fmt.Sprint(u.UserFields["job_title"]), "Round "); ok {
			round, _ = strconv.Atoi(text)
		}
		if round < last[e.ExternalID] {
			t.Errorf("%s %s: title of round %d written after that of round %d", c.id, e.ExternalID, round, last[e.ExternalID])
		}
		last[e.ExternalID] = round
	}
	return len(last)
}

// still waits until nothing of the tenants is in flight.
func still(t testing.TB, client *adminapi.Client, list []*customer) {
	t.Helper()
	for _, c := range list {
		var last []adminapi.Stage
		until(t, 3*time.Minute, string(c.id)+" is quiet", func() bool {
			quiet, stages, err := client.Quiet(t.Context(), c.id)
			last = stages
			return err == nil && quiet
		}, func() { t.Logf("stages: %+v", last) })
	}
}

// Ten tenants on four writers of which one is killed again and again: every account ends as its PeopleSoft says, each
// record's changes came in order, nothing had an effect twice, and the tenants are spread over the writers.
// MLC_SCALE_KILLS sets how often.
func TestFourWritersTenTenantsAndRandomKills(t *testing.T) {
	kills := 8
	if n, err := strconv.Atoi(os.Getenv("MLC_SCALE_KILLS")); err == nil {
		kills = n
	}
	s := newServices(t, pgtest.URL(t))
	client := s.console()
	for _, name := range []string{"transformer", "recorder", "poller"} {
		s.start(name)
	}
	var list []*customer
	for n := range scaleTenants {
		c := newCustomer(t, n, 100*time.Millisecond)
		c.join(t, client)
		list = append(list, c)
	}
	writers := make([]*child, scaleWriters)
	for i := range writers {
		writers[i] = s.start("zendesk-writer")
	}
	dice := rand.New(rand.NewPCG(killSeed, 3))
	t.Logf("seed %d, %d kills of writers", killSeed, kills)
	led := map[int]bool{}
	for i := range kills {
		for _, c := range list {
			c.judge.Remember()
			c.promote(t, dice, i+1)
			_, _ = client.Sync(t.Context(), c.id, adminapi.Sync{Full: i == 0})
		}
		<-time.After(time.Duration(300+dice.IntN(1200)) * time.Millisecond)
		victim := dice.IntN(len(writers))
		for n, w := range writers {
			led[n] = led[n] || strings.Contains(w.log.tail(1<<20), `ours=true`) || strings.Contains(w.log.tail(1<<20), `"ours":true`)
		}
		writers[victim].kill()
		writers[victim] = s.start("zendesk-writer")
	}
	for _, w := range writers {
		w.last = true
	}
	for _, c := range list {
		_, err := client.Sync(t.Context(), c.id, adminapi.Sync{Full: true})
		must(t, err)
	}
	still(t, client, list)
	titles := 0
	for _, c := range list {
		for _, d := range c.judge.Verdict(nil) {
			t.Errorf("%s: %s", c.id, d)
		}
		noEffectTwice(t, c.ZD)
		titles += c.inOrder(t)
	}
	if titles < scaleTenants {
		t.Errorf("only %d titles were seen to be written: the test looks at the wrong place", titles)
	}
	if n := spread(led); n < 2 {
		t.Errorf("%d writers led a tenant: the tenants are not spread", n)
	}
	for i, w := range writers {
		if code := w.term(); code != 0 {
			t.Errorf("writer %d: exit code %d after SIGTERM", i, code)
		}
	}
}

// The writer that leads is killed while its jobs run; production's life of a writer, but a shorter wait of the broker: what
// the dead one had fetched and not yet written into its journal comes only after that wait (60 s in production). The other one has written its
// records within the life, the jobs' own time and a few seconds, although a single call would be waited for a minute.
func TestARecordInAJobMovesWithinSecondsOfItsWritersDeath(t *testing.T) {
	const jobs = 4 * time.Second
	const bound = 10*time.Second + 5*time.Second + jobs + 20*time.Second // its life, half a life for the pin, its jobs; and a slow machine
	s := newServices(t, pgtest.URL(t))
	slow := strings.NewReplacer("call_life: 1s", "call_life: 60s", "writer_work: 5s", "writer_work: 180s", "pinned_ttl: 4s", "pinned_ttl: 120s", "ack_wait: 2s", "ack_wait: 10s").Replace(tuningFile)
	s.conf = filepath.Join(t.TempDir(), "takeover.yaml")
	must(t, os.WriteFile(s.conf, []byte(slow), 0o600))
	client := s.console()
	for _, name := range []string{"transformer", "recorder", "poller"} {
		s.start(name)
	}
	c := newCustomer(t, 1, jobs)
	c.join(t, client)
	writers := []*child{s.start("zendesk-writer"), s.start("zendesk-writer")}
	_, err := client.Sync(t.Context(), c.id, adminapi.Sync{Full: true})
	must(t, err)
	until(t, time.Minute, "jobs run", func() bool { return c.ZD.Counters().Jobs > 0 })
	leader := writers[0]
	if lead(writers[1]) > lead(leader) {
		leader = writers[1]
	}
	leader.kill()
	died := time.Now()
	still(t, client, []*customer{c})
	took := time.Since(died)
	t.Logf("%d users, the other writer was done after %s", len(c.ZD.Users()), took.Round(100*time.Millisecond))
	if took > bound {
		t.Errorf("the records moved after %s, want at most %s", took, bound)
	}
	for _, d := range c.judge.Verdict(nil) {
		t.Error(d)
	}
	noEffectTwice(t, c.ZD)
}

// lead is 1 for a writer whose newest word about its tenant is that it leads.
func lead(c *child) int {
	log := c.log.tail(1 << 20)
	if strings.LastIndex(log, "ours=true")+strings.LastIndex(log, `"ours":true`) > strings.LastIndex(log, "ours=false")+strings.LastIndex(log, `"ours":false`) {
		return 1
	}
	return 0
}

func spread(led map[int]bool) (n int) {
	for _, l := range led {
		if l {
			n++
		}
	}
	return n
}
