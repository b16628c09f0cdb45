package e2e

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/e2e/linktest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// networkEnv chooses the matrix: "all" is every cell for two seconds, else each harm strikes each link once, in one of
// the directions, for less. networkSeed repeats a run that failed.
const (
	networkEnv  = "MLC_TEST_NETWORK"
	networkSeed = "MLC_TEST_NETWORK_SEED"
)

// networkHarms are the seven ways in which a network is bad (failures.md 4.2 T9), with the amount at which a connection
// that ends does so.
func networkHarms() map[string]linktest.Harm {
	ms := time.Millisecond
	return map[string]linktest.Harm{
		"latency":    {Latency: 20 * ms, Jitter: 40 * ms},
		"bandwidth":  {Slice: 2000, Rate: 100_000},
		"slicer":     {Slice: 50, Jitter: ms},
		"slow close": {Linger: 500 * ms},
		"timeout":    {End: linktest.Hole, After: 300},
		"reset":      {End: linktest.Reset, After: 300},
		"limit data": {End: linktest.Close, After: 1000},
	}
}

// cell is one field of the matrix and what happened in it.
type cell struct {
	link, harm  string
	up          bool
	struck      int
	carried     int64
	asked, deaf int           // requests for a cycle, and those that were not answered in time
	healed      time.Duration // from the end of the harm until a cycle and a change that were asked for then had ended and arrived
}

func (c cell) String() string {
	way := "from it"
	if c.up {
		way = "to it"
	}
	return fmt.Sprintf("%-10s %-10s %-7s %4d ended %8d bytes, %2d of %d requests unanswered, well after %v", c.link, c.harm, way, c.struck, c.carried, c.deaf, c.asked, c.healed.Round(10*time.Millisecond))
}

// cells are the fields to play, in an order that dice choose.
func cells(links map[string]*linktest.Link, dice *rand.Rand, all bool) (list []cell) {
	for _, l := range slices.Sorted(maps.Keys(links)) {
		for _, h := range slices.Sorted(maps.Keys(networkHarms())) {
			up := dice.IntN(2) == 0
			list = append(list, cell{link: l, harm: h, up: up})
			if all {
				list = append(list, cell{link: l, harm: h, up: !up})
			}
		}
	}
	dice.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// through puts a link in front of the address in a URL and answers the URL that leads through it.
func through(t *testing.T, address string) (*linktest.Link, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("an address that cannot be parsed")
	}
	q := u.Query()
	target := u.Host
	if dir := q.Get("host"); strings.HasPrefix(dir, "/") { // Postgres on a socket
		target = filepath.Join(dir, ".s.PGSQL."+cmp.Or(q.Get("port"), "5432"))
		q.Del("host")
		q.Del("port")
	}
	if target == "" {
		t.Fatal("an address without a host")
	}
	l := linktest.New(t, target)
	u.Host, u.RawQuery = l.Address(), q.Encode()
	return l, u.String()
}

// network is a company kept by separate services, with a link in front of everything that they talk to.
type network struct {
	*world
	links map[string]*linktest.Link
	dice  *rand.Rand
	made  int // changes so far
}

func newNetwork(t *testing.T, dice *rand.Rand) *network {
	t.Helper()
	n := &network{world: &world{Company: newCompany(t, 250, 30)}, links: map[string]*linktest.Link{}, dice: dice}
	n.judge = demo.NewJudge(n.Company)
	s := newServices(t, pgtest.URL(t))
	n.links["peoplesoft"], n.PSURL = through(t, n.PSURL)
	n.links["zendesk"], n.ZDURL = through(t, n.ZDURL)
	for i, e := range s.env {
		for name, key := range map[string]string{"nats": "MLC_NATS_URL=", "postgres": "MLC_DATABASE_URL="} {
			if old, ok := strings.CutPrefix(e, key); ok {
				l, address := through(t, old)
				if name == "postgres" {
					address += "&pool_silence=3s" // a minute is too long for a test
				}
				n.links[name], s.env[i] = l, key+address
			}
		}
	}
	n.client = s.console()
	for _, name := range []string{"transformer", "recorder", "poller", "zendesk-writer"} {
		s.start(name).last = true
	}
	values := n.values()
	file := n.TenantFile() + "guard: { suspend: { floor: 100000 }, email: { floor: 100000 }, create: { floor: 100000 } }\n"
	if _, err := n.client.Apply(t.Context(), adminapi.Apply{Name: "network.yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
	n.sync(t, adminapi.Sync{Full: true})
	n.agree(t)
	return n
}

// ask asks for a cycle, as somebody does who does not wait long; false when nobody answered.
func (n *network) ask(t *testing.T, full bool, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, err := n.client.Sync(ctx, acme, adminapi.Sync{Full: full})
	return err == nil
}

// play hurts the link of a cell for so long under a steady load: a change and a cycle about three times a second.
func (n *network) play(t *testing.T, c *cell, lasts time.Duration) {
	t.Helper()
	link, h := n.links[c.link], networkHarms()[c.harm]
	struck, carried := link.Struck(), link.Carried()
	if c.up {
		link.Hurt(h, linktest.Harm{})
	} else {
		link.Hurt(linktest.Harm{}, h)
	}
	end := time.Now().Add(lasts)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for late := end.Add(10 * time.Second); time.Now().Before(end) || !n.met(h, link, struck, carried) && time.Now().Before(late); <-tick.C {
		n.judge.Remember()
		change(t, n.PS, n.dice, n.made)
		n.made++
		c.asked++
		if !n.ask(t, n.made%5 == 0, 250*time.Millisecond) {
			c.deaf++
		}
	}
	if h.End == linktest.Hole {
		link.Freeze() // what fell into the hole does not come out again, and nobody is told
	}
	link.Heal()
	healed := time.Now()
	n.well(t, c.String())
	if !n.met(h, link, struck, carried) {
		t.Errorf("%s: the harm met nothing", c)
	}
	c.healed, c.struck, c.carried = time.Since(healed), link.Struck()-struck, link.Carried()-carried
}

// met tells whether a harm met anything yet: it ended a connection, or something went through it.
func (n *network) met(h linktest.Harm, link *linktest.Link, struck int, carried int64) bool {
	if h.End != linktest.Open {
		return link.Struck() > struck
	}
	return link.Carried() > carried
}

// well waits until a cycle that is asked for now ends and a change that is made now has arrived in Zendesk, so that the
// next harm meets a system at work on every link: a breaker that the last one opened has closed. A request that is lost
// with its connection is asked again.
func (n *network) well(t *testing.T, after string) {
	t.Helper()
	var asked []string
	until(t, 90*time.Second, "a cycle ends after "+after, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if asked == nil {
			a, err := n.client.Sync(ctx, acme, adminapi.Sync{})
			if err == nil {
				asked = a.Cycles
			}
			return false
		}
		for _, id := range asked {
			if c, ok, err := n.client.Cycle(ctx, acme, id); err != nil || !ok || c.State == "running" {
				return false
			}
		}
		return true
	})
	n.arrives(t, after)
}

// arrives makes a change and waits until Zendesk has it.
func (n *network) arrives(t *testing.T, after string) {
	t.Helper()
	all := n.staff(50)
	key, title := all[n.made%len(all)], fmt.Sprintf("Well %d", n.made)
	did(t)(n.PS.ChangeTitle(key, title, n.PS.Today()))
	var asked time.Time
	until(t, 90*time.Second, "a change arrives in Zendesk after "+after, func() bool {
		if time.Since(asked) > time.Second {
			n.ask(t, false, time.Second)
			asked = time.Now()
		}
		u, ok := n.ZD.UserByExternalID("psft:emp:" + key)
		return ok && u.UserFields["job_title"] == title
	}, func() {
		s, err := n.client.Status(context.WithoutCancel(t.Context()), acme)
		t.Logf("status %+v, %v", s, err)
	})
}

// T9: the services of a separate deployment, with every way in which a network is bad on every link, while changes come
// in. After all of it Zendesk holds what PeopleSoft says, and nothing had an effect twice.
func TestNetworkMatrix(t *testing.T) {
	all := os.Getenv(networkEnv) == "all"
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv(networkSeed); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%s %s=%d", networkEnv, os.Getenv(networkEnv), networkSeed, seed)
	n := newNetwork(t, rand.New(rand.NewPCG(seed, 9)))
	lasts := 500 * time.Millisecond
	if all {
		lasts = 2 * time.Second
	}
	list := cells(n.links, n.dice, all)
	began := time.Now()
	for i := range list {
		n.play(t, &list[i], lasts)
		t.Log(list[i])
	}
	t.Logf("%d cells in %v, %d changes", len(list), time.Since(began).Round(time.Second), n.made)
	healed := time.Now()
	n.sync(t, adminapi.Sync{Full: true})
	t.Logf("quiet %v after the last", time.Since(healed).Round(10*time.Millisecond))
	n.agree(t)
	noEffectTwice(t, n.ZD)
}
