package e2e

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/services/e2e/linktest"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

// toxic is one way in which a network is bad, for one direction.
type toxic struct {
	harm linktest.Harm
	good bool // everything works through it
}

// toxics are the rows N01 to N03: what ends connections strikes a few times, what slows down goes on.
func toxics() map[string]toxic {
	ms := time.Millisecond
	return map[string]toxic{
		"N01 reset before a byte":    {harm: linktest.Harm{End: linktest.Reset, Times: 4}},
		"N01 reset within a head":    {harm: linktest.Harm{End: linktest.Reset, After: 60, Times: 4}},
		"N01 reset within a body":    {harm: linktest.Harm{End: linktest.Reset, After: 700, Times: 4}},
		"N01 closed within a body":   {harm: linktest.Harm{End: linktest.Close, After: 700, Times: 4}},
		"N02 a black hole":           {harm: linktest.Harm{End: linktest.Hole, Times: 3}},
		"N02 a hole within a body":   {harm: linktest.Harm{End: linktest.Hole, After: 500, Times: 3}},
		"N03 latency with jitter":    {harm: linktest.Harm{Latency: 20 * ms, Jitter: 30 * ms}, good: true},
		"N03 small slices":           {harm: linktest.Harm{Slice: 200, Jitter: ms}, good: true},
		"N03 a narrow link":          {harm: linktest.Harm{Slice: 4000, Rate: 200_000}, good: true},
		"N03 an end that is slow":    {harm: linktest.Harm{Linger: 300 * ms}, good: true},
		"N03 cut after some traffic": {harm: linktest.Harm{End: linktest.Close, After: 2000, Times: 6}},
	}
}

// badNetwork gives calls up soon.
func badNetwork() setup {
	return setup{links: true, tuning: func(t *assembly.Tuning) { t.Silence = 500 * time.Millisecond }}
}

// hurt changes the company, lets both links suffer in one direction, and judges when they are good again.
func hurt(up bool, x toxic) func(t *testing.T) {
	return func(t *testing.T) {
		o := newOrdeal(t, badNetwork())
		o.changes(t, 0)
		for _, l := range []*linktest.Link{o.psLink, o.zdLink} {
			if up {
				l.Hurt(x.harm, linktest.Harm{})
			} else {
				l.Hurt(linktest.Harm{}, x.harm)
			}
		}
		o.sync(t, adminapi.Sync{Full: true})
		if n := o.psLink.Struck() + o.zdLink.Struck(); !x.good && n == 0 {
			t.Error("no connection met the fault")
		}
		if !x.good {
			o.psLink.Heal()
			o.zdLink.Heal()
		}
		o.judged(t)
	}
}

func TestFaultScriptOfTheNetwork(t *testing.T) {
	for name, x := range toxics() {
		t.Run(name+", towards the server", hurt(true, x))
		t.Run(name+", from the server", hurt(false, x))
	}
	t.Run("N02 a black hole that lasts", holeThatLasts)
	t.Run("N04 connections that are half-open", halfOpen)
}

// holeThatLasts: both systems are away without a word; status says so for each, and nothing is lost.
func holeThatLasts(t *testing.T) {
	o := newOrdeal(t, badNetwork())
	o.changes(t, 0)
	o.zdLink.Hurt(linktest.Harm{End: linktest.Hole}, linktest.Harm{})
	o.sync0(t)
	o.sees(t, "ZD_TIMEOUT")
	o.psLink.Hurt(linktest.Harm{End: linktest.Hole}, linktest.Harm{})
	o.changes(t, 1)
	o.ask(t, adminapi.Sync{})
	o.sees(t, "SRC_TIMEOUT")
	o.psLink.Heal()
	o.zdLink.Heal()
	o.psLink.Freeze() // what fell into the hole does not come out again
	o.zdLink.Freeze()
	o.judged(t)
}

// sync0 waits for the cycles but not for quiet.
func (o *ordeal) sync0(t *testing.T) {
	t.Helper()
	for _, id := range o.ask(t, adminapi.Sync{}) {
		until(t, time.Minute, "the cycle ends", func() bool {
			c, ok, err := o.client.Cycle(t.Context(), acme, id)
			return err == nil && ok && c.State != "running"
		})
	}
}

// halfOpen: idle connections died without a word, as behind a firewall that forgot them. The next calls find out by the
// time they wait, and go on over new connections.
func halfOpen(t *testing.T) {
	o := newOrdeal(t, badNetwork())
	for round := range 2 {
		o.psLink.Freeze()
		o.zdLink.Freeze()
		o.changes(t, round)
		o.sync(t, adminapi.Sync{})
	}
	if o.psLink.Struck() == 0 || o.zdLink.Struck() == 0 {
		t.Errorf("struck %d and %d", o.psLink.Struck(), o.zdLink.Struck())
	}
	o.judged(t)
}
