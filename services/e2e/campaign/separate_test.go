package campaign

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
)

// Every program runs by itself over NATS and Postgres, two writers share the work, and each is killed at random (T6).
func TestRandomKillsOfSeparateServices(t *testing.T) {
	began, kills, records := time.Now(), size(t, "MLC_CAMPAIGN_KILLS_SEPARATE", 12, 60), size(t, "MLC_CAMPAIGN_RECORDS_SEPARATE", 500, 5000)
	database := pgtest.URL(t)
	names := []string{"poller", "transformer", "recorder", "zendesk-writer", "zendesk-writer"}
	r := newRig(t, build(t, "poller", "transformer", "zendesk-writer", "recorder", "console"), records*9/10, records/10, seed(t))
	defer func() {
		report(t, step{Step: "random kills, separate services", N: kills, Unit: "kills", Records: records, Seed: seed(t)}, began)
	}()
	nats, err := natsembed.Start(t.Context(), natsembed.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nats.Shutdown(context.Background()) })
	token := filepath.Join(r.dir, "admin.token")
	env := []string{"MLC_NATS_URL=" + nats.Address(), "MLC_DATABASE_URL=" + database, "MLC_MASTER_KEY_FILE=" + filepath.Join(r.dir, "master.key"),
		"MLC_ADMIN_TOKEN_FILE=" + token, "MLC_LISTEN=" + r.listen}
	run := func(name string) *process {
		e := env
		if name != "console" {
			e = append(e[:len(e)-1:len(e)-1], "MLC_LISTEN=127.0.0.1:0")
		}
		return launch(t, r.log, filepath.Join(r.bin, name), e, "--config", filepath.Join(r.dir, "config.yaml"))
	}
	console := run("console")
	if !holds(time.Minute, func() bool { return answers("http://" + r.listen + "/readyz") }) {
		t.Fatalf("the console is not ready\n%s", r.log.tail(2000))
	}
	text, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	r.client = adminapi.NewClient("http://"+r.listen, secret.New(strings.TrimSpace(string(text))))
	running := make([]*process, len(names))
	for i, n := range names {
		running[i] = run(n)
	}
	r.mustApply(strings.Replace(r.TenantFile(), "employees: 5m, vendors: 15m", "employees: 12h, vendors: 12h", 1) +
		"guard: { suspend: { floor: 100000 }, email: { floor: 100000 }, create: { floor: 100000 } }\n")
	r.ask(true)
	var person recovery
	for i := range kills {
		if i%10 == 5 {
			person.replay(r)
		}
		r.work.step(r)
		if i%2 == 0 {
			r.ask(i%20 == 0)
		}
		<-time.After(time.Duration(r.dice.IntN(800)) * time.Millisecond)
		victim := r.dice.IntN(len(names))
		running[victim].kill()
		running[victim] = run(names[victim])
	}
	fmt.Printf("campaign: %d kills in %.1f s\n", kills, time.Since(began).Seconds())
	r.blame(fmt.Sprintf("after kill %d", kills), append(person.replayed(r), append(r.judged(), append(r.trail(), append(r.secrets(), r.leaked(database)...)...)...)...))
	for i, p := range append(running, console) {
		if code := p.term(); code != 0 {
			t.Errorf("program %d: exit code %d after SIGTERM", i, code)
		}
	}
}
