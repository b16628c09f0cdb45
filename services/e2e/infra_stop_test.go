package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// program is the one process as operators run it.
type program struct {
	*world
	t                  *testing.T
	bin, data, config  string
	listen             string
	before             string // shell words in front of the program, for tries
	child              *child
	liveAfter, inAfter time.Duration // of the last start
}

func newProgram(t *testing.T, w *world) *program {
	t.Helper()
	dir := t.TempDir()
	w.judge = demo.NewJudge(w.Company)
	w.ingress = freePort(t)
	write(t, dir, "config.yaml", tuningFile)
	return &program{world: w, t: t, bin: filepath.Join(programs(t, "ml-connector"), "ml-connector"), data: filepath.Join(dir, "data"),
		config: filepath.Join(dir, "config.yaml"), listen: freePort(t)}
}

func (p *program) args() []string {
	return []string{"serve", "--data", p.data, "--config", p.config, "--listen", p.listen, "--ingress", p.ingress, "--min-free-disk", "32MiB"}
}

// launch starts the program and waits until it lives and its door answers.
func (p *program) launch() {
	p.t.Helper()
	began := time.Now()
	p.child = spawn(p.t, p.bin, nil, p.args()...)
	p.child.last = true
	up := func(url string, want int) time.Duration {
		until(p.t, time.Minute, url+" answers", func() bool {
			resp, err := http.Get(url)
			if err != nil {
				return false
			}
			_ = resp.Body.Close()
			return resp.StatusCode == want
		}, func() { p.t.Log(p.child.log.tail(3000)) })
		return time.Since(began)
	}
	p.liveAfter = up("http://"+p.listen+"/livez", http.StatusOK)
	p.inAfter = up("http://"+p.ingress+"/ib/acme", http.StatusOK)
	client, err := adminapi.FindLocal(p.data)
	must(p.t, err)
	p.client = client
}

// I15: SIGTERM at random moments while PeopleSoft sends and cycles run: exit code 0 within 25 seconds, nothing lost or
// doubled. MLC_TERMS says how often (50 by hand); otherwise as often as fits into twenty seconds.
func TestI15SigtermUnderLoadDrainsInTime(t *testing.T) {
	p := newProgram(t, &world{Company: newCompany(t, 300, 40)})
	p.launch()
	p.applyIB(t)
	p.sender(t, pssim.NodeOptions{})
	p.setupMessages(t)
	want, _ := strconv.Atoi(os.Getenv("MLC_TERMS"))
	dice, n, terms, worst, began := rand.New(rand.NewPCG(killSeed, 15)), 0, 0, time.Duration(0), time.Now()
	for terms < want || want == 0 && time.Since(began) < 20*time.Second {
		_, _ = p.client.Sync(t.Context(), acme, adminapi.Sync{Full: terms%2 == 0})
		p.burst(t, dice, &n, 5+dice.IntN(20))
		<-time.After(time.Duration(dice.IntN(500)) * time.Millisecond)
		asked := time.Now()
		code := p.child.term()
		if took := time.Since(asked); code != 0 || took > 25*time.Second {
			t.Errorf("stop %d: exit code %d after %s\n%s", terms, code, took, p.child.log.tail(2000))
		} else {
			worst = max(worst, took)
		}
		terms++
		p.launch()
	}
	t.Logf("seed %d: %d times SIGTERM over %d messages, the slowest end %s", killSeed, terms, n, worst.Round(10*time.Millisecond))
	if terms < 5 {
		t.Errorf("only %d stops", terms)
	}
	p.arrived(t)
	p.sync(t, adminapi.Sync{Full: true})
	p.agree(t)
	p.noDead(t)
	noEffectTwice(t, p.ZD)
	p.inOrder(t)
}

// A backlog of thousands of records: after a kill the process lives and takes messages within seconds, long before the
// backlog is written.
func TestI15AStartWithALargeBacklogServesAtOnce(t *testing.T) {
	p := newProgram(t, &world{Company: newCompany(t, 4000, 40), patience: 5 * time.Minute})
	p.ZD.Fault(zdsim.Fault{Path: "/api/*", Status: 503, Times: -1})
	p.launch()
	p.applyIB(t)
	_, err := p.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
	must(t, err)
	backlog := 0
	until(t, 2*time.Minute, "a backlog of 3,500 records", func() bool {
		_, stages, err := p.client.Quiet(t.Context(), acme)
		backlog = 0
		for _, s := range stages {
			if s.Stage == "zendesk-writer" {
				backlog += int(s.Backlog) + s.InFlight
			}
		}
		return err == nil && backlog >= 3500
	}, func() { t.Logf("%d", backlog) })
	p.child.kill()
	p.launch()
	t.Logf("backlog of %d records: lives after %s, takes messages after %s", backlog, p.liveAfter.Round(10*time.Millisecond), p.inAfter.Round(10*time.Millisecond))
	if p.inAfter > 10*time.Second {
		t.Errorf("messages were taken after %s only", p.inAfter)
	}
	p.sender(t, pssim.NodeOptions{})
	p.publish(t, pssim.Publication{Message: "DEPT_FULLSYNC", PerMessage: 100})
	until(t, 20*time.Second, "a message is accepted", func() bool { return done(p.PS) > 0 })
	p.ZD.ClearFaults()
	p.arrived(t)
	p.agree(t)
	noEffectTwice(t, p.ZD)
}

// tries launches the program and answers whether it lives after the time, and how it did.
func (p *program) tries(limit time.Duration) (up bool, how string) {
	p.t.Helper()
	p.child = spawn(p.t, "/bin/sh", nil, append([]string{"-c", p.before + ` exec "$0" "$@"`, p.bin}, p.args()...)...)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.child.done:
		log := strings.TrimSpace(p.child.log.tail(300))
		return false, "ended with exit code " + strconv.Itoa(p.child.cmd.ProcessState.ExitCode()) + ": " + log[strings.LastIndex(log, "\n")+1:]
	case <-timer.C:
	}
	for _, url := range []string{"http://" + p.listen + "/readyz", "http://" + p.ingress + "/ib/acme"} {
		client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get(url)
		if err != nil {
			how += url + ": " + err.Error() + "; "
			continue
		}
		_ = resp.Body.Close()
		how += url + ": " + resp.Status + "; "
	}
	return true, how
}
