package e2e

import (
	"math/rand/v2"
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

// C26 on Postgres: the process dies in the middle of a change of the master key. Old and new can be read, work goes on,
// and the change goes on when it is asked for again.
func TestC26AChangeOfTheKeyThatIsCutOffOnPostgresGoesOn(t *testing.T) {
	w := &world{Company: newCompany(t, 40, 5)}
	w.judge = demo.NewJudge(w.Company)
	t.Setenv("MLC_DATABASE_URL", pgtest.URL(t))
	dir, data := t.TempDir(), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "faultpoints", "-o", dir+string(filepath.Separator), "../ml-connector")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bin, config := dir, filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(config, []byte(tuningFile), 0o600))
	first := w.serve(t, bin, data, config)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	if code := first.term(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	t.Setenv("MLC_CRASH", "vault.mid_rewrap:1")
	dies := w.serve(t, bin, data, config)
	until(t, time.Minute, "the process dies in the middle", func() bool {
		select {
		case <-dies.done:
			return true
		default: // refused while the process before still counts as a reader of the old key
			_, _ = w.client.RotateVault(t.Context(), adminapi.Rotation{By: "test"})
			return false
		}
	})
	if !strings.Contains(dies.log.tail(4000), "crash point vault.mid_rewrap") {
		t.Fatalf("it ended elsewhere:\n%s", dies.log.tail(4000))
	}
	t.Setenv("MLC_CRASH", "")
	last := w.serve(t, bin, data, config)
	change(t, w.PS, rand.New(rand.NewPCG(killSeed, 26)), 0)
	w.sync(t, adminapi.Sync{Full: true}) // both systems' credentials are opened
	w.agree(t)
	var rotated adminapi.Rotated
	until(t, time.Minute, "the change of the key goes on", func() (ok bool) {
		r, err := w.client.RotateVault(t.Context(), adminapi.Rotation{By: "test"})
		rotated = r
		return err == nil
	})
	t.Logf("%+v", rotated)
	change(t, w.PS, rand.New(rand.NewPCG(killSeed, 27)), 1)
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	noEffectTwice(t, w.ZD)
	if code := last.term(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
