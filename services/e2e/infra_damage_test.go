package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// I18: bits flip and blocks are cut in the broker's files while changes wait in them for Zendesk. Status says so with the
// next step, nothing hangs, and in the end Zendesk is right.
func TestI18DamagedStreamFiles(t *testing.T) {
	for name, hurt := range map[string]func([]byte) []byte{
		"a flipped bit near the end":  func(b []byte) []byte { b[len(b)*9/10] ^= 4; return b },
		"a flipped bit in the middle": func(b []byte) []byte { b[len(b)/2] ^= 4; return b },
		"the last third is gone":      func(b []byte) []byte { return b[:len(b)*2/3] },
		"zeros at the end":            func(b []byte) []byte { clear(b[len(b)*9/10:]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{Company: newCompany(t, 60, 10)}
			w.judge = demo.NewJudge(w.Company)
			dir := t.TempDir()
			w.start(t, dir, "")
			o := &ordeal{world: w, dir: dir}
			w.applyGuardless(t)
			o.sync(t, adminapi.Sync{Full: true})
			o.waitingForZendesk(t, 0)
			w.stop()
			damage(t, dir, hurt)
			o.ZD.ClearFaults()
			must(t, w.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, Status: 503})) // the finding stays to be seen
			w.start(t, dir, "")
			if p := o.sees(t, "STREAM_BEHIND"); !strings.Contains(p.Detail, "ERP") || !strings.Contains(p.Detail, "DIRECTORY") {
				t.Errorf("%+v", p)
			}
			w.PS.ClearFaults()
			o.changes(t, 1)
			o.judged(t)
		})
	}
}

// damage hurts the blocks of the facts and of the wanted states, and takes away what would let the broker skip them.
func damage(t *testing.T, data string, hurt func([]byte) []byte) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(data, "nats", "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	must(t, err)
	n := 0
	for _, path := range blocks {
		if !strings.Contains(path, "ERP_acme") && !strings.Contains(path, "DIRECTORY_acme") {
			continue
		}
		b, err := os.ReadFile(path)
		must(t, err)
		if len(b) > 100 {
			n++
			must(t, os.WriteFile(path, hurt(b), 0o600))
		}
		_ = os.Remove(filepath.Join(filepath.Dir(path), "index.db"))
	}
	if n == 0 {
		t.Fatal("no block was found")
	}
}
