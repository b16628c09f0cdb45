package deploytest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// TestTheBrokerOfComposeSyncsBeforeItAcknowledges loads the configuration as the container sees it.
func TestTheBrokerOfComposeSyncsBeforeItAcknowledges(t *testing.T) {
	dir := t.TempDir()
	for from, to := range map[string]string{"deploy/nats/nats.conf": "nats", "deploy/compose/nats.conf": "compose"} {
		if err := os.Mkdir(filepath.Join(dir, to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to, "nats.conf"), []byte(read(t, from)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, err := server.ProcessConfigFile(filepath.Join(dir, "compose", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if !o.SyncAlways || o.StoreDir != "/data" || !o.JetStream {
		t.Errorf("sync always %t, store %q, JetStream %t", o.SyncAlways, o.StoreDir, o.JetStream)
	}
	if o.Host != "0.0.0.0" || o.Port != 4222 || o.HTTPHost != "0.0.0.0" || o.HTTPPort != 8222 {
		t.Errorf("listens on %s:%d, monitoring on %s:%d", o.Host, o.Port, o.HTTPHost, o.HTTPPort)
	}
	if o.MaxPayload < 1<<20 {
		t.Errorf("the shipped configuration is not included: max payload %d", o.MaxPayload)
	}
}
