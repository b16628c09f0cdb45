// Package natsembed runs a NATS server with JetStream inside this process, safe by default: every stored message is
// on disk before it is acknowledged, the folder belongs to one process, and a wrong encryption key is noticed before
// the server could throw away what it cannot read (broker.md 6).
package natsembed

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Options says where and how the server runs.
type Options struct {
	Dir    string // owned by one process; created when missing
	Key    []byte // encrypts the streams at rest (ChaCha20-Poly1305); nil leaves them plain
	Listen string // "" serves this process only; host:port opens a port as well, port 0 takes a free one
	// MaxStore bounds all streams together, in bytes; 0 takes three quarters of the free disk. Beyond it publishing
	// fails at once with BROKER_LIMIT, which heals by itself, where a full disk would not (failures.md fact 3, 4).
	MaxStore int64
	Watch    time.Duration // how often health is looked at for healing; 0 means 5s
	Logger   *slog.Logger  // nil discards
}

const (
	readyWait  = 10 * time.Second
	maxPayload = 4 << 20 // above event.MaxSize with headers, and room for batches of operators' tools
	maxMemory  = 64 << 20

	healthTries = 4
	healthPause = 50 * time.Millisecond
)

// Server is the running server. It may restart its inside by itself; connections made in this process come back.
type Server struct {
	opts Options
	log  *slog.Logger
	lock *os.File
	stop context.CancelFunc
	done chan struct{}

	mu     sync.RWMutex
	inner  *server.Server
	closed bool
}

// Start guards the folder, starts the server and waits until it can store messages. A folder that another process
// uses is refused with ALREADY_RUNNING; another key than the folder's with VAULT_KEY.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, fault.New(fault.Config, fault.BadConfig, "broker: no folder given")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Watch <= 0 {
		o.Watch = 5 * time.Second
	}
	lock, err := guard(o.Dir, o.Key)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, log: o.Logger, lock: lock, done: make(chan struct{})}
	if s.inner, err = launch(ctx, o); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = cancel
	go s.heal(watch)
	return s, nil
}

func guard(dir string, key []byte) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "broker folder")
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	if err := checkKey(dir, key); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func settings(o Options) (*server.Options, error) {
	so := &server.Options{
		ServerName: "ml-connector", NoSigs: true, DontListen: o.Listen == "",
		JetStream: true, StoreDir: o.Dir, SyncAlways: true,
		JetStreamMaxMemory: maxMemory, JetStreamMaxStore: o.MaxStore, MaxPayload: maxPayload,
	}
	if len(o.Key) > 0 {
		so.JetStreamKey, so.JetStreamCipher = hex.EncodeToString(o.Key), server.ChaCha
	}
	if o.Listen == "" {
		return so, nil
	}
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "broker address: want host:port")
	}
	if so.Port, err = strconv.Atoi(port); err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "broker address: port")
	}
	if so.Host = host; so.Port == 0 {
		so.Port = server.RANDOM_PORT
	}
	return so, nil
}

func launch(ctx context.Context, o Options) (*server.Server, error) {
	so, err := settings(o)
	if err != nil {
		return nil, err
	}
	if err := mend(o); err != nil {
		return nil, err
	}
	inner, err := server.NewServer(so)
	if err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "broker settings")
	}
	inner.SetLoggerV2(adapter{o.Logger}, false, false, false)
	inner.Start()
	wait := readyWait
	if d, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(d))
	}
	if !inner.ReadyForConnections(wait) || !inner.JetStreamEnabled() {
		inner.Shutdown()
		inner.WaitForShutdown()
		return nil, fault.New(fault.Transient, fault.BrokerDown, fmt.Sprintf("embedded broker not ready within %s", wait))
	}
	return inner, nil
}

// Synced tells that a publish is acknowledged after it is on disk; always true here.
func (s *Server) Synced() bool {
	c := s.current().JetStreamConfig()
	return c != nil && c.SyncAlways
}

// InProcessConn opens a connection without a port. The bus client uses it, also to come back after a restart.
func (s *Server) InProcessConn() (net.Conn, error) { return s.current().InProcessConn() }

// Address is where the server listens, or "" when it serves this process only.
func (s *Server) Address() string {
	if s.opts.Listen == "" {
		return ""
	}
	return s.current().ClientURL()
}

// Dir is the folder that the server owns.
func (s *Server) Dir() string { return s.opts.Dir }

// Healthy fails when the server cannot store messages. It asks what plain /healthz asks: the narrower probes stay
// green on a full disk (failures.md fact 3). While a stream is being created that answer is bad for a moment, so a bad
// one is asked for again.
func (s *Server) Healthy(ctx context.Context) error {
	tick := time.NewTicker(healthPause)
	defer tick.Stop()
	for try := 1; ; try++ {
		h := s.current().Healthz(nil)
		if h.Status == "ok" {
			return nil
		}
		if try == healthTries {
			return s.unhealthy(h.Status, h.Error)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("health of the embedded broker: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Shutdown stops the server and frees the folder. Clients should have drained before. ctx bounds the wait.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	inner := s.inner
	s.mu.Unlock()
	s.stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-s.done
		inner.Shutdown()
		inner.WaitForShutdown()
	}()
	select {
	case <-ended:
		return s.lock.Close()
	case <-ctx.Done():
		return fmt.Errorf("broker shutdown: %w", context.Cause(ctx)) // the lock goes with the process
	}
}

func (s *Server) current() *server.Server {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.inner
}
