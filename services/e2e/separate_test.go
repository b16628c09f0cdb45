package e2e

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const killsSeparate = 12

// services are the programs of design.md 3, run as real processes against an external NATS and Postgres.
type services struct {
	t    testing.TB
	bin  string
	env  []string
	conf string
}

func newServices(t testing.TB, database string) *services {
	t.Helper()
	nats, err := natsembed.Start(t.Context(), natsembed.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Logger: logger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nats.Shutdown(context.Background()) })
	dir := t.TempDir()
	s := &services{t: t, bin: programs(t, "poller", "transformer", "zendesk-writer", "recorder", "console"), conf: filepath.Join(dir, "config.yaml")}
	if err := os.WriteFile(s.conf, []byte(tuningFile), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"MLC_NATS_URL=" + nats.Address(), "MLC_DATABASE_URL=" + database, "MLC_MASTER_KEY_FILE=" + filepath.Join(dir, "master.key"),
		"MLC_ADMIN_TOKEN_FILE=" + filepath.Join(dir, "admin.token"), "MLC_LOG_LEVEL=info"}
	return s
}

func (s *services) start(name string, env ...string) *child {
	s.t.Helper()
	return spawn(s.t, filepath.Join(s.bin, name), append(s.env, env...), "--config", s.conf)
}

// console starts the console and gives a client of its API.
func (s *services) console() *adminapi.Client {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := s.start("console", "MLC_LISTEN="+address)
	until(s.t, time.Minute, "the console is ready", func() bool {
		resp, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, func() { s.t.Log(c.log.tail(2000)) })
	token := ""
	for _, e := range s.env {
		if file, ok := strings.CutPrefix(e, "MLC_ADMIN_TOKEN_FILE="); ok {
			b, err := os.ReadFile(file)
			if err != nil {
				s.t.Fatal(err)
			}
			token = strings.TrimSpace(string(b))
		}
	}
	return adminapi.NewClient("http://"+address, secret.New(token))
}

// Poller and writer run as processes of their own and are killed at random; two writers share the work.
func TestKillNineOfSeparateServicesLosesAndDoublesNothing(t *testing.T) {
	w := &world{Company: newCompany(t, 500, 100)}
	w.judge = demo.NewJudge(w.Company)
	s := newServices(t, pgtest.URL(t))
	w.client = s.console()
	s.start("transformer")
	s.start("recorder")
	names := []string{"poller", "zendesk-writer", "zendesk-writer"}
	running := make([]*child, len(names))
	for i, n := range names {
		running[i] = s.start(n)
	}
	w.apply(t)
	dice := rand.New(rand.NewPCG(killSeed, 2))
	t.Logf("seed %d, %d kills of poller and writers", killSeed, killsSeparate)
	for i := range killsSeparate {
		w.judge.Remember()
		change(t, w.PS, dice, i)
		_, _ = w.client.Sync(t.Context(), acme, adminapi.Sync{Full: i%3 == 0})
		<-time.After(time.Duration(dice.IntN(800)) * time.Millisecond)
		victim := dice.IntN(len(names))
		running[victim].kill()
		running[victim] = s.start(names[victim])
	}
	for _, c := range running {
		c.last = true
	}
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	noEffectTwice(t, w.ZD)
	for i, c := range running {
		if code := c.term(); code != 0 {
			t.Errorf("%s: exit code %d after SIGTERM", names[i], code)
		}
	}
}
