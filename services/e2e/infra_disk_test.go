//go:build linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/disk"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// smallDisk is a file system of its own for the test; only root on Linux can make one.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("NOT RUN: a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// ballast fills the disk until left bytes are free; remove frees them.
func ballast(t *testing.T, dir string, left int64) (remove func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	must(t, err)
	block := make([]byte, 64<<10)
	for space, err := disk.Of(dir); space.Free > left; space, err = disk.Of(dir) {
		must(t, err)
		if _, err := f.Write(block[:min(int64(len(block)), space.Free-left)]); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	must(t, f.Close())
	return func() { must(t, os.Remove(path)) }
}

// onDisk is a loaded company on a small disk, whose PeopleSoft sends messages too.
func onDisk(t *testing.T, size string, floor disk.Floor) (*ordeal, string) {
	t.Helper()
	dir := smallDisk(t, size)
	w := &world{Company: newCompany(t, 60, 10), ingress: freePort(t), floor: floor}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, filepath.Join(dir, "data"), "")
	o := &ordeal{world: w, dir: dir}
	o.applyIB(t)
	o.sender(t, pssim.NodeOptions{})
	o.sync(t, adminapi.Sync{Full: true})
	o.setupMessages(t)
	o.agree(t)
	return o, dir
}

// I04: little room left. Nothing comes in, what is there is written, the audit trail goes on; with room it heals.
func TestI04ADiskThatIsAlmostFullPausesIntakeOnly(t *testing.T) {
	o, dir := onDisk(t, "96m", disk.Floor{Exact: 40 << 20})
	o.ZD.Fault(zdsim.Fault{Path: "/api/*", Status: 503, Times: -1}) // the writer has something left to do
	o.changes(t, 0)
	o.ask(t, adminapi.Sync{Full: true})
	o.sees(t, "ZD_DOWN")
	before := trail(t, o.world)
	remove := ballast(t, dir, 20<<20)
	until(t, 10*time.Second, "readiness says so", func() bool { return o.ready("disk") == "DISK_LOW" }, func() { t.Log(o.ready("disk")) })
	if p := o.sees(t, "DISK_LOW"); p.Where != "ml-connector.disk" || p.Since == nil {
		t.Errorf("%+v", p)
	}
	if o.ready("broker") != "" || o.ready("store") != "" {
		t.Error("broker and store are well")
	}
	checked, err := o.client.Check(t.Context(), acme, false)
	if err != nil || !slices.ContainsFunc(checked.Steps, func(s adminapi.Step) bool { return s.Name == "disk" && s.Code == "DISK_LOW" && s.Next != "" }) {
		t.Errorf("check says %+v, %v", checked.Steps, err)
	}

	refused, asked := o.answered(503), len(o.PS.Requests())
	o.event(t, pssim.Event{Type: "change-title", EmplID: o.staff(40)[39], Title: "Waits For Room"})
	cycles := o.ask(t, adminapi.Sync{Full: true})
	until(t, 20*time.Second, "PeopleSoft is told to come again", func() bool { return o.answered(503) > refused })
	o.ZD.ClearFaults()
	until(t, 30*time.Second, "the writer drains", func() bool {
		_, stages, err := o.client.Quiet(t.Context(), acme)
		return err == nil && slices.ContainsFunc(stages, func(s adminapi.Stage) bool { return s.Stage == "zendesk-writer" && s.Quiet })
	})
	until(t, 10*time.Second, "the audit trail goes on", func() bool { return trail(t, o.world) > before })
	if n := len(o.PS.Requests()); n > asked {
		t.Errorf("PeopleSoft was asked %d times", n-asked)
	}
	if c, ok, err := o.client.Cycle(t.Context(), acme, cycles[0]); ok || err != nil {
		t.Errorf("the poller began %+v, %v", c, err)
	}

	remove()
	until(t, 30*time.Second, "the cycle that was asked for runs", func() bool {
		c, ok, err := o.client.Cycle(t.Context(), acme, cycles[0])
		return err == nil && ok && c.State != "running"
	})
	o.arrived(t)
	o.noDead(t)
	o.judged(t)
}

// trail counts audit entries.
func trail(t *testing.T, w *world) int {
	t.Helper()
	list, err := w.client.Audit(t.Context(), acme, audit.Query{Limit: 10_000})
	must(t, err)
	return len(list)
}

// I05: no room at all. Publishes time out and are answered 503; with room the broker restarts by itself within a minute
// and nothing that was accepted is lost. There is no floor here, so that the disk really fills.
func TestI05AFullDiskHealsWithoutAPerson(t *testing.T) {
	o, dir := onDisk(t, "24m", disk.Floor{Off: true})
	keys, n := o.staff(40), 0
	burst := func(count int) {
		for range count {
			o.event(t, pssim.Event{Type: "change-title", EmplID: keys[n%40], Title: fmt.Sprintf("Title %d", n)})
			n++
		}
	}
	burst(20)
	remove := ballast(t, dir, 0)
	burst(40)
	until(t, time.Minute, "the ingress says 503", func() bool { return o.answered(503) > 0 })
	until(t, time.Minute, "the broker's own health is bad", func() bool { return o.ready("broker") == "DISK_FULL" }, func() { t.Log(o.ready("broker")) })
	o.sees(t, "DISK_FULL")
	burst(10)

	remove()
	freed := time.Now()
	until(t, time.Minute, "the broker stores again", func() bool { return o.ready("broker") == "" && o.ready("disk") == "" && o.ready("store") == "" },
		func() { t.Log(o.ready("broker"), o.ready("disk"), o.ready("store")) })
	t.Logf("%d messages, %d times 503; well again %s after there was room", n, o.answered(503), time.Since(freed).Round(100*time.Millisecond))
	s, err := o.client.Status(t.Context(), acme)
	must(t, err)
	if !slices.ContainsFunc(s.Tenants[0].Warnings, func(p adminapi.Problem) bool { return p.Code == "RECOVERED" }) {
		t.Errorf("status does not tell of the recovery: %+v", s.Tenants[0].Warnings)
	}
	o.arrived(t)
	o.noDead(t)
	o.inOrder(t)
	o.judged(t)
	for _, u := range o.ZD.Users() {
		if strings.HasPrefix(fmt.Sprint(u.UserFields["job_title"]), "Title ") {
			return
		}
	}
	t.Error("no title of the messages is in Zendesk: the test looks at the wrong place")
}
