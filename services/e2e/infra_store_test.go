package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/e2e/linktest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// onPostgres is a company whose system keeps its state in the database; messages come in too.
func onPostgres(t *testing.T, database string, employees int) *ordeal {
	t.Helper()
	w := &world{Company: newCompany(t, employees, 10), ingress: freePort(t)}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, t.TempDir(), database)
	o := &ordeal{world: w}
	o.applyIB(t)
	o.sender(t, pssim.NodeOptions{})
	return o
}

// I06: Postgres is killed ten times while messages come and cycles run. The store is in use again within ten seconds
// each time, and in the end everything is there once.
func TestI06PostgresKilledTenTimesLosesNothing(t *testing.T) {
	pg := pgtest.Own(t)
	o := onPostgres(t, pg.URL(), 100)
	o.sync(t, adminapi.Sync{Full: true})
	o.setupMessages(t)
	dice, n, worst := rand.New(rand.NewPCG(killSeed, 6)), 0, time.Duration(0)
	for i := range 10 {
		o.burst(t, dice, &n, 8)
		_, _ = o.client.Sync(t.Context(), acme, adminapi.Sync{Full: i%2 == 0})
		<-time.After(time.Duration(dice.IntN(300)) * time.Millisecond)
		pg.Kill()
		o.burst(t, dice, &n, 4)
		if i%3 == 0 {
			until(t, 20*time.Second, "readiness says so", func() bool { return o.ready("store") == "STORE_DOWN" }, func() { t.Log(o.ready("store")) })
		}
		pg.Start(t)
		back := time.Now()
		until(t, 10*time.Second, "the store is in use again", func() bool { return o.ready("store") == "" })
		worst = max(worst, time.Since(back))
	}
	t.Logf("seed %d: %d messages, ten kills, back at most %s after the database", killSeed, n, worst.Round(10*time.Millisecond))
	o.arrived(t)
	o.noDead(t)
	o.judged(t)
}

// ready is the code that readiness gives for a part; "" when it is well.
func (o *ordeal) ready(part string) string {
	resp, err := http.Get("http://" + o.sys.Address() + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var body struct {
		Checks []struct{ Name, Status, Code string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return err.Error()
	}
	i := slices.IndexFunc(body.Checks, func(c struct{ Name, Status, Code string }) bool { return c.Name == part })
	if i < 0 {
		return "no part " + part
	}
	return body.Checks[i].Code
}

// throughLink leads a database's URL through a link on TCP.
func throughLink(t *testing.T, pg *pgtest.Server) (string, *linktest.Link) {
	t.Helper()
	link := linktest.New(t, pg.Socket())
	u, err := url.Parse(pg.URL())
	must(t, err)
	host, port, err := net.SplitHostPort(link.Address())
	must(t, err)
	q := u.Query()
	q.Set("host", host)
	q.Set("port", port)
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	return u.String(), link
}

// I07: the database does what was asked and its answer is lost, commits among them. What is not known is looked up.
func TestI07AnswersOfTheDatabaseThatAreLostDoubleNothing(t *testing.T) {
	database, link := throughLink(t, pgtest.Own(t))
	o := onPostgres(t, database, 100)
	o.sync(t, adminapi.Sync{Full: true})
	o.setupMessages(t)
	dice, n, cut := rand.New(rand.NewPCG(killSeed, 7)), 0, 0
	for range 25 {
		o.burst(t, dice, &n, 3)
		_, _ = o.client.Sync(t.Context(), acme, adminapi.Sync{})
		before := link.Struck()
		link.Hurt(linktest.Harm{}, linktest.Harm{End: linktest.Reset, After: int64(dice.IntN(4000)), Times: 3})
		<-time.After(time.Duration(100+dice.IntN(200)) * time.Millisecond)
		link.Heal()
		cut += link.Struck() - before
	}
	if t.Logf("seed %d: %d messages, %d connections cut while the database answered", killSeed, n, cut); cut < 25 {
		t.Error("too few: the test cuts nothing")
	}
	o.arrived(t)
	o.noDead(t)
	o.judged(t)
}

// I08: one connection to the database for everything. It is slower, and nothing waits for ever.
func TestI08OneConnectionToTheDatabaseIsEnough(t *testing.T) {
	database := pgtest.URL(t)
	o := onPostgres(t, database+map[bool]string{true: "&", false: "?"}[strings.Contains(database, "?")]+"pool_max_conns=1", 300)
	o.patience = 4 * time.Minute
	o.sync(t, adminapi.Sync{Full: true})
	o.setupMessages(t)
	dice, n := rand.New(rand.NewPCG(killSeed, 8)), 0
	o.burst(t, dice, &n, 100)
	o.arrived(t)
	o.noDead(t)
	o.judged(t)
}
