package natsbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Bus is a connection to the broker. Its methods may be called from many goroutines.
type Bus struct {
	opts   Options
	log    *slog.Logger
	nc     *nats.Conn
	js     jetstream.JetStream
	gone   chan struct{} // the connection is closed for good
	closer func() error

	alive context.Context // ends when Close begins
	end   context.CancelFunc
	mu    sync.Mutex     // orders running.Add before Close's Wait
	runs  sync.WaitGroup // Handle calls
	known sync.Map       // stream name to jetstream.Stream
}

var _ bus.Bus = (*Bus)(nil)

// The first server version with all that is used here: cron schedules (broker.md 2).
const minMajor, minMinor = 2, 14

const pingEvery = 5 * time.Second

// Connect opens the connection and checks the server's version. It fails with BROKER_DOWN when nobody answers and
// does not wait for a server to come; once open, the connection reopens by itself for ever.
func Connect(ctx context.Context, o Options) (*Bus, error) {
	o = o.withDefaults()
	b := &Bus{opts: o, log: o.Logger, gone: make(chan struct{})}
	b.alive, b.end = context.WithCancel(context.Background())
	b.closer = sync.OnceValue(b.close)
	var err error
	if b.nc, err = nats.Connect(o.URL, b.dialing(ctx)...); err != nil {
		kind := fault.Transient
		if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) {
			kind = fault.Auth
		}
		return nil, fault.Wrap(err, kind, fault.BrokerDown, "connect to the broker")
	}
	if b.js, err = jetstream.New(b.nc, jetstream.WithDefaultTimeout(o.Timeout)); err != nil {
		b.nc.Close()
		return nil, fmt.Errorf("connect to the broker: %w", err)
	}
	if err := checkVersion(b.nc.ConnectedServerVersion()); err != nil {
		b.nc.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bus) dialing(ctx context.Context) []nats.Option {
	wait := b.opts.Timeout
	if d, ok := ctx.Deadline(); ok {
		wait = max(min(wait, time.Until(d)), time.Millisecond)
	}
	list := []nats.Option{
		nats.Name(b.opts.Name), nats.Timeout(wait), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		// Nothing is sent behind the caller's back after a reconnect: what could not be sent has failed.
		nats.ReconnectBufSize(-1),
		// A connection that a firewall forgot is found after the third ping without an answer, 15 s (failures.md N04).
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.FlusherTimeout(b.opts.Timeout),
		nats.DrainTimeout(b.opts.Timeout),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.log.Warn("broker connection lost", "err", err) }),
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("broker connection is back") }),
		nats.ClosedHandler(func(*nats.Conn) { close(b.gone) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.log.Debug("broker connection", "err", err) }),
	}
	if b.opts.InProcess != nil {
		return append(list, nats.InProcessServer(b.opts.InProcess))
	}
	if b.opts.CredentialsFile != "" {
		list = append(list, nats.UserCredentials(b.opts.CredentialsFile))
	}
	if b.opts.CAFile != "" {
		list = append(list, nats.RootCAs(b.opts.CAFile))
	}
	return list
}

func checkVersion(have string) error {
	var major, minor int
	if _, err := fmt.Sscanf(strings.TrimPrefix(have, "v"), "%d.%d", &major, &minor); err != nil {
		return fault.New(fault.Config, fault.BrokerDrift, fmt.Sprintf("server version %q: want %d.%d or later", have, minMajor, minMinor))
	}
	if major < minMajor || major == minMajor && minor < minMinor {
		return &fault.Error{Kind: fault.Config, Code: fault.BrokerDrift, Next: "update the NATS server",
			Detail: fmt.Sprintf("server version %s: want %d.%d or later", have, minMajor, minMinor)}
	}
	return nil
}

// Close ends every Handle, waits until running handlers have finished and their messages are settled (at most Grace
// and one call), and closes the connection.
func (b *Bus) Close() error { return b.closer() }

func (b *Bus) close() error {
	b.mu.Lock()
	b.end()
	b.mu.Unlock()
	b.runs.Wait()
	if err := b.nc.Drain(); err != nil {
		b.nc.Close()
	}
	<-b.gone
	return nil
}

// enter counts a running Handle; false after Close began.
func (b *Bus) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.alive.Err() != nil {
		return false
	}
	b.runs.Add(1)
	return true
}

// call bounds one call to the broker.
func (b *Bus) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, b.opts.Timeout)
}
