package natsbus

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
)

// InProcess is a server inside this process (natsembed.Server).
type InProcess interface {
	InProcessConn() (net.Conn, error)
	Synced() bool
	Healthy(ctx context.Context) error
}

// Options says how to reach the broker and how to behave. The zero value of each field but URL and InProcess is good.
type Options struct {
	URL       string    // of an external server or cluster, comma-separated; unused with InProcess
	InProcess InProcess // takes precedence
	Name      string    // shown in the server's list of connections
	// MonitorURL is the server's monitoring address (http://host:8222). A client cannot see whether the server syncs
	// before it acknowledges; /jsz on this address tells. Without it Ensure warns that nobody knows.
	MonitorURL      string
	CredentialsFile string // NATS credentials, "" for none or those in the URL
	CAFile          string // CA of the server, "" for the system's

	Replicas      int  // of streams: 1 (default) or 3 in a cluster
	AllowUnsynced bool // go on, loudly, with a server that acknowledges before it syncs
	// MaxBytes bounds streams, and reserves as much of the server's store; streams that are not named are bounded by
	// number of messages and by the store as a whole. DIRECTORY cannot be bounded: beside schedules the server knows
	// only to discard old messages, which would lose wanted states.
	MaxBytes map[bus.Stream]int64

	AckWait   time.Duration // silence after which a delivery is given again; 0 means 15s
	PinnedTTL time.Duration // silence after which another writer takes over; 0 means 2m
	Grace     time.Duration // how long running handlers may go on after the end of Handle's context; 0 means 20s
	Timeout   time.Duration // of one call to the broker; 0 means 5s (ib-listener answers within 8s, failures.md I01)
	// Backoff is the wait before attempt+1; nil means 1s doubling to 5m with jitter.
	Backoff func(attempt int) time.Duration

	Logger *slog.Logger // nil discards
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Replicas = max(o.Replicas, 1)
	o.PinnedTTL = orDuration(o.PinnedTTL, 2*time.Minute)
	o.Grace = orDuration(o.Grace, 20*time.Second)
	o.Timeout = orDuration(o.Timeout, 5*time.Second)
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	return o
}

func orDuration(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// backoff doubles from one second to five minutes; up to a fifth is taken off, so that what failed together does not
// come back together.
func backoff(attempt int) time.Duration {
	d := lastRetry
	if n := max(attempt, 1) - 1; n < 9 {
		d = min(firstRetry<<n, lastRetry)
	}
	return d - rand.N(d/5)
}
