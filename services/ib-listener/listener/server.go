package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the connections (failures.md 5.4, N07).
const (
	maxConnections = 1000
	maxPerSource   = 50
	headerTime     = 5 * time.Second
	headerBytes    = 16 << 10
	idleTime       = 90 * time.Second
	lame           = 500 * time.Millisecond // answers 503 before it stops to listen
	drainTime      = 15 * time.Second       // for deliveries in flight
)

// Serve serves next on l until ctx ends. Then h answers 503 for a moment, the door closes, and what is in flight ends.
// next is h, or a handler in front of it. With secure the listener speaks TLS.
func Serve(ctx context.Context, l net.Listener, secure *tls.Config, h *Handler, next http.Handler) error {
	gate := &gate{Listener: l, places: make(chan struct{}, maxConnections), perSource: map[string]int{}, shut: make(chan struct{})}
	srv := &http.Server{TLSConfig: secure, Handler: gate.crowd(h, next), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if t, ok := c.(*tls.Conn); ok {
				c = t.NetConn()
			}
			return context.WithValue(ctx, connKey{}, c)
		}}
	failed := make(chan error, 1)
	go func() {
		if secure != nil {
			failed <- srv.ServeTLS(gate, "", "")
			return
		}
		failed <- srv.Serve(gate)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	h.Drain()
	timer := time.NewTimer(lame)
	defer timer.Stop()
	<-timer.C
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := srv.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	<-failed
	return err
}

type connKey struct{}

// gate bounds connections: beyond maxConnections they wait in the kernel's queue, beyond maxPerSource they are told to
// come again, so that one address cannot take all places.
type gate struct {
	net.Listener
	places chan struct{}
	shut   chan struct{}
	once   sync.Once

	mu        sync.Mutex
	perSource map[string]int
}

// guest is a connection that has a place.
type guest struct {
	net.Conn
	gate    *gate
	source  string
	crowded bool
	once    sync.Once
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case g.places <- struct{}{}:
	case <-g.shut:
		return nil, net.ErrClosed
	}
	c, err := g.Listener.Accept()
	if err != nil {
		<-g.places
		return nil, err
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	g.mu.Lock()
	defer g.mu.Unlock()
	g.perSource[host]++
	return &guest{Conn: c, gate: g, source: host, crowded: g.perSource[host] > maxPerSource}, nil
}

// Close implements net.Listener.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.shut) })
	return g.Listener.Close()
}

// Close implements net.Conn and gives the place back.
func (c *guest) Close() error {
	c.once.Do(func() {
		c.gate.mu.Lock()
		if c.gate.perSource[c.source]--; c.gate.perSource[c.source] == 0 {
			delete(c.gate.perSource, c.source)
		}
		c.gate.mu.Unlock()
		<-c.gate.places
	})
	return c.Conn.Close()
}

// crowd answers 503 on connections beyond what one address may have.
func (g *gate) crowd(h *Handler, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*guest); ok && c.crowded {
			h.write(w, r, again("", "too many connections from this address"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
