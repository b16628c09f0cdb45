package natsembed

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ml-connector/ml-connector/pkg/event"
)

// TestShippedConfigurationIsAccepted parses deploy/nats/nats.conf with the server's own parser. It is here because the
// folder has no module of its own.
func TestShippedConfigurationIsAccepted(t *testing.T) {
	o, err := server.ProcessConfigFile("../../../deploy/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	if !o.JetStream || !o.SyncAlways {
		t.Errorf("jetstream %v, sync always %v; want both", o.JetStream, o.SyncAlways)
	}
	if o.StoreDir == "" || o.JetStreamMaxStore <= 0 || o.HTTPPort == 0 || o.HTTPHost != "127.0.0.1" {
		t.Errorf("store %q, max store %d, monitoring %s:%d", o.StoreDir, o.JetStreamMaxStore, o.HTTPHost, o.HTTPPort)
	}
	if int(o.MaxPayload) < event.MaxSize+64<<10 {
		t.Errorf("max_payload %d leaves no room for events of %d", o.MaxPayload, event.MaxSize)
	}
}
