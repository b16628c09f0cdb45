package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// checkSync refuses a server that acknowledges before it syncs, unless that is allowed. The client protocol does not
// tell; the embedded server and the monitoring port do. When neither is there, the log says that nobody knows.
func (b *Bus) checkSync(ctx context.Context) error {
	synced, known, err := b.synced(ctx)
	switch {
	case err != nil:
		b.log.Warn("BROKER_NOT_SYNCED? the monitoring address did not tell whether the server syncs before it acknowledges", "err", err)
	case !known:
		b.log.Warn("BROKER_NOT_SYNCED? cannot see whether the server syncs before it acknowledges: give its monitoring address; " + fault.BrokerSync.Next())
	case synced:
	case b.opts.AllowUnsynced:
		b.log.Error("BROKER_NOT_SYNCED: the server acknowledges before it syncs; a power cut loses what was promised (allowed by setting)")
	default:
		return fault.New(fault.Config, fault.BrokerSync, "the server acknowledges before it syncs; a power cut would lose what was promised")
	}
	return nil
}

func (b *Bus) synced(ctx context.Context) (synced, known bool, err error) {
	if b.opts.InProcess != nil {
		return b.opts.InProcess.Synced(), true, nil
	}
	if b.opts.MonitorURL == "" {
		return false, false, nil
	}
	ctx, cancel := b.call(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(b.opts.MonitorURL, "/")+"/jsz", http.NoBody)
	if err != nil {
		return false, false, fmt.Errorf("monitoring address: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return false, false, fmt.Errorf("ask the monitoring address: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Config struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	}
	if resp.StatusCode != http.StatusOK {
		return false, false, fmt.Errorf("ask the monitoring address: HTTP %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
		return false, false, fmt.Errorf("read the monitoring answer: %w", err)
	}
	return answer.Config.SyncAlways, true, nil
}
