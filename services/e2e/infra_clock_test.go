package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// clockOf stands in front of a system and lets its clock go wrong.
func clockOf(t *testing.T, system string) (address string, wrong *atomic.Int64) {
	t.Helper()
	u, err := url.Parse(system)
	must(t, err)
	wrong = &atomic.Int64{}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(time.Duration(wrong.Load())).UTC().Format(http.TimeFormat))
		return nil
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL, wrong
}

// I11: our clock is an hour behind PeopleSoft's and a day ahead of Zendesk's. Status and check say so with the next
// step, what PeopleSoft says still arrives, and the findings close when the clocks agree.
func TestI11AClockThatIsWrongIsTold(t *testing.T) {
	w := &world{Company: newCompany(t, 60, 10)}
	w.judge = demo.NewJudge(w.Company)
	var ps, zd *atomic.Int64
	w.PSURL, ps = clockOf(t, w.PSURL)
	w.ZDURL, zd = clockOf(t, w.ZDURL)
	w.start(t, t.TempDir(), "")
	o := &ordeal{world: w}
	w.applyGuardless(t)
	o.sync(t, adminapi.Sync{Full: true})
	steps := func(state string) (n int) {
		c, err := o.client.Check(t.Context(), acme, false)
		must(t, err)
		for _, s := range c.Steps {
			if s.Name == "clock" && s.State == state && (s.Code == "CLOCK_SKEW" && s.Next != "" || s.State == "ok") {
				n++
			}
		}
		return n
	}
	if n := steps("ok"); n != 3 {
		t.Errorf("%d of 3 clocks are right", n)
	}
	ps.Store(int64(time.Hour))
	zd.Store(int64(-24 * time.Hour))
	o.changes(t, 0)
	for range 2 { // two answers of each
		o.sync(t, adminapi.Sync{Full: true})
	}
	var told []string
	until(t, 40*time.Second, "status tells of all three clocks", func() bool {
		s, err := o.client.Status(t.Context(), acme)
		told = nil
		for _, p := range s.Tenants[0].Problems {
			if p.Code == "CLOCK_SKEW" && p.Next != "" && !p.Hold {
				told = append(told, p.Where+" "+p.Detail)
			}
		}
		return err == nil && len(told) == 3
	}, func() { t.Log(told) })
	if slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "zendesk") != strings.Contains(s, "behind") }) {
		t.Error(told)
	}
	if n := steps("warning"); n != 3 {
		t.Errorf("check warns of %d of 3 clocks", n)
	}
	o.agree(t)
	ps.Store(0)
	zd.Store(0)
	o.changes(t, 1)
	o.judged(t)
}
