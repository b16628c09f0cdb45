package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// fetchedBound is how long a record may wait that a writer had fetched and not yet written into its journal when it was
// killed: the broker gives it again after 15 s of silence.
const fetchedBound = 20 * time.Second

// unhurried writes the tuning file with production's life of a delivery, a pin and a writer.
func unhurried(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "unhurried.yaml")
	text := strings.NewReplacer("ack_wait: 2s, ", "", "pinned_ttl: 4s, ", "").Replace(tuningFile)
	if strings.Contains(text, "ack_wait") || strings.Contains(text, "pinned_ttl") {
		t.Fatal("the tuning file says another thing")
	}
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// mortals builds programs that kill themselves where MLC_CRASH says so.
func mortals(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-tags", "faultpoints", "-o", dir + string(filepath.Separator)}
	for _, n := range names {
		args = append(args, "../"+n)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	return dir
}

// diedHolding waits until the program killed itself with records in its hands, and answers when it did.
func diedHolding(t *testing.T, c *child) time.Time {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(time.Minute):
		t.Fatal("the writer fetched nothing")
	}
	if !strings.Contains(c.log.tail(4000), "crash point wr.fetched") {
		t.Fatalf("it ended elsewhere:\n%s", c.log.tail(4000))
	}
	return time.Now()
}

// What a writer that is killed had fetched and not yet written into its journal, nobody else knows of: the broker gives it
// to the next writer within seconds.
func TestWhatADeadWriterHadFetchedMovesWithinSeconds(t *testing.T) {
	const dies = "wr.fetched:1"
	t.Run("separate services", func(t *testing.T) {
		s := newServices(t, pgtest.URL(t))
		s.conf = unhurried(t)
		client := s.console()
		for _, name := range []string{"transformer", "recorder", "poller"} {
			s.start(name)
		}
		c := newCustomer(t, 1, 100*time.Millisecond)
		c.join(t, client)
		first := spawn(t, filepath.Join(mortals(t, "zendesk-writer"), "zendesk-writer"), append(s.env, "MLC_CRASH="+dies), "--config", s.conf)
		_, err := client.Sync(t.Context(), c.id, adminapi.Sync{Full: true})
		must(t, err)
		died := diedHolding(t, first)
		s.start("zendesk-writer").last = true
		still(t, client, []*customer{c})
		took := time.Since(died)
		t.Logf("%d users, %s after the death", len(c.ZD.Users()), took.Round(100*time.Millisecond))
		if took > fetchedBound {
			t.Errorf("the records moved after %s, want at most %s", took, fetchedBound)
		}
		for _, d := range c.judge.Verdict(nil) {
			t.Error(d)
		}
		noEffectTwice(t, c.ZD)
	})
	t.Run("one process", func(t *testing.T) {
		w := &world{Company: newCompany(t, 60, 10)}
		w.judge = demo.NewJudge(w.Company)
		bin, data, config := mortals(t, "ml-connector"), t.TempDir(), unhurried(t)
		first := w.serve(t, bin, data, config)
		w.apply(t)
		w.sync(t, adminapi.Sync{Full: true})
		w.agree(t)
		if code := first.term(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		t.Setenv("MLC_CRASH", dies)
		second := w.serve(t, bin, data, config)
		who := w.staff(1)[0]
		did(t)(w.PS.ChangeTitle(who, "Keeper of the Books", w.PS.Today()))
		_, _ = w.client.Sync(t.Context(), acme, adminapi.Sync{Kind: "employees", Key: who}) // it may die before it answers
		died := diedHolding(t, second)
		t.Setenv("MLC_CRASH", "")
		w.serve(t, bin, data, config).last = true
		o := &ordeal{world: w}
		until(t, time.Minute, "the change arrives", func() bool { return o.ours(t, who).UserFields["job_title"] == "Keeper of the Books" })
		took := time.Since(died)
		t.Logf("the change arrived %s after the death", took.Round(100*time.Millisecond))
		if took > fetchedBound {
			t.Errorf("the record moved after %s, want at most %s", took, fetchedBound)
		}
		w.agree(t)
		noEffectTwice(t, w.ZD)
	})
}
