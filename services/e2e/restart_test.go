package e2e

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

func TestARestartKeepsEverything(t *testing.T) {
	w := &world{Company: newCompany(t, 150, 30)}
	w.judge = demo.NewJudge(w.Company)
	dir := t.TempDir()
	w.start(t, dir, "")
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	writes := w.ZD.Counters().Writes
	w.stop()
	w.start(t, dir, "")
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	if after := w.ZD.Counters().Writes; after != writes {
		t.Fatalf("%d writes after a restart without a change", after-writes)
	}
}

func TestASecondProcessOnTheFolderIsRefused(t *testing.T) {
	w := &world{Company: newCompany(t, 100, 20)}
	dir := t.TempDir()
	w.start(t, dir, "")
	sys, err := embedded.Open(t.Context(), embedded.Options{Data: dir, Listen: "127.0.0.1:0", Log: logger()})
	if err == nil {
		sys.Close(t.Context())
		t.Fatal("two processes share one data folder")
	}
	if code := app.ExitCode(err); code == app.ExitOK || code == app.ExitFailed {
		t.Fatalf("exit code %d for %v", code, err)
	}
}
