//go:build unix

package e2e

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
)

// I12: of two writers the one that leads is stopped for longer than a writer's life while its jobs run, and goes on
// later as if nothing had been. The other one took over; what the first still sends changes nothing twice and nothing
// back. MLC_STOP says how long (90s by hand, with production's life of a writer); otherwise life and stop are scaled.
func TestI12AWriterThatWasPausedForgetsWhatItHeld(t *testing.T) {
	stop, tuning := 4*time.Second, strings.Replace(tuningFile, "writer_batch: 100", "writer_batch: 20, writer_life: 1s", 1)
	rounds := 2
	if d, err := time.ParseDuration(os.Getenv("MLC_STOP")); err == nil {
		stop, tuning, rounds = d, tuningFile, 1
	}
	s := newServices(t, pgtest.URL(t))
	s.conf = filepath.Join(t.TempDir(), "pause.yaml")
	must(t, os.WriteFile(s.conf, []byte(tuning), 0o600))
	client := s.console()
	for _, name := range []string{"transformer", "recorder", "poller"} {
		s.start(name)
	}
	c := newCustomer(t, 1, 300*time.Millisecond)
	c.join(t, client)
	writers := []*child{s.start("zendesk-writer"), s.start("zendesk-writer")}
	dice := rand.New(rand.NewPCG(killSeed, 12))
	t.Logf("seed %d, %d stops of %s", killSeed, rounds, stop)
	for i := range rounds {
		c.judge.Remember()
		for range 5 {
			c.promote(t, dice, 2*i+1)
		}
		_, err := client.Sync(t.Context(), c.id, adminapi.Sync{Full: true})
		must(t, err)
		<-time.After(time.Duration(200+dice.IntN(800)) * time.Millisecond)
		leader := writers[0]
		if lead(writers[1]) > lead(leader) {
			leader = writers[1]
		}
		must(t, leader.cmd.Process.Signal(syscall.SIGSTOP))
		c.judge.Remember()
		c.promote(t, dice, 2*i+2)
		_, err = client.Sync(t.Context(), c.id, adminapi.Sync{})
		must(t, err)
		<-time.After(stop)
		must(t, leader.cmd.Process.Signal(syscall.SIGCONT))
		still(t, client, []*customer{c})
	}
	_, err := client.Sync(t.Context(), c.id, adminapi.Sync{Full: true})
	must(t, err)
	still(t, client, []*customer{c})
	for _, d := range c.judge.Verdict(nil) {
		t.Error(d)
	}
	noEffectTwice(t, c.ZD)
	c.inOrder(t)
	for i, w := range writers {
		if code := w.term(); code != 0 {
			t.Errorf("writer %d: exit code %d after SIGTERM\n%s", i, code, w.log.tail(2000))
		}
	}
}

// I16: hardly any file descriptors, and a crowd at the door. The program may refuse to start, with a reason, or leave
// messages to PeopleSoft; it does not fall over, and with room it goes on with what it accepted.
func TestI16FewFileDescriptors(t *testing.T) {
	p := newProgram(t, &world{Company: newCompany(t, 60, 10)})
	p.launch()
	p.applyIB(t)
	p.sender(t, pssim.NodeOptions{})
	p.sync(t, adminapi.Sync{Full: true})
	p.setupMessages(t)
	if code := p.child.term(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	dice, n := rand.New(rand.NewPCG(killSeed, 16)), 0
	for _, limit := range []string{"32", "64"} {
		p.before = "ulimit -n " + limit + ";"
		up, how := p.tries(3 * time.Second)
		t.Logf("with %s descriptors: %s", limit, how)
		if up {
			crowd := knock(t, "127.0.0.1", p.ingress, "POST /ib/acme HTTP/1.1\r\n", 45)
			p.burst(t, dice, &n, 10)
			_, _ = p.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
			for _, c := range crowd {
				_ = c.Close()
			}
			p.burst(t, dice, &n, 10)
			if code := p.child.term(); code != 0 {
				t.Errorf("with %s descriptors: exit code %d after SIGTERM\n%s", limit, code, p.child.log.tail(2000))
			}
		}
		if log := p.child.log.tail(1 << 20); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
			t.Errorf("with %s descriptors it fell over:\n%s", limit, log[max(0, len(log)-3000):])
		}
	}
	p.launch()
	p.arrived(t)
	p.sync(t, adminapi.Sync{Full: true})
	p.agree(t)
	p.noDead(t)
	noEffectTwice(t, p.ZD)
	p.inOrder(t)
}
