// Package linktest is a TCP link that tests can hurt: slow, in slices, cut, reset, silent, half-open, each direction by
// itself and switched while connections are open (failures.md N01-N04). It stands between two programs as a proxy that
// knows nothing of what it carries.
package linktest

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// End is what happens to a connection at the byte that a Harm names.
type End string

// The ends of a connection.
const (
	Open  End = ""      // none
	Close End = "close" // both sides see an orderly end
	Reset End = "reset" // both sides see RST
	Hole  End = "hole"  // what comes is swallowed, and nobody is told
)

// Harm is what one direction suffers. The zero value is a good link.
type Harm struct {
	Latency time.Duration // before each piece goes on
	Jitter  time.Duration // up to so much more, different for each piece
	Slice   int           // pieces are at most so many bytes; 0 is whatever came
	Rate    int           // bytes per second; 0 is no limit
	Linger  time.Duration // an orderly end is passed on so much later
	End     End           // of the connection, when After bytes went on in this direction
	After   int64
	Times   int64 // so many connections are ended, later ones are spared; 0 is all
}

// Link is a proxy in front of one address. It is safe for concurrent use.
type Link struct {
	listener net.Listener
	target   string
	up, down atomic.Pointer[side]
	frozen   atomic.Int64 // generation: connections of an older one are half-open
	struck   atomic.Int64
	carried  atomic.Int64
	mu       sync.Mutex
	open     map[*pair]bool
	closed   bool
	done     sync.WaitGroup
}

// side is one Harm with the count of connections that it ended.
type side struct {
	Harm
	ended atomic.Int64
}

// New opens a link to target (host:port, or the path of a socket) on a free port of loopback; it closes with the test.
func New(t testing.TB, target string) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{listener: listener, target: target, open: map[*pair]bool{}}
	l.Heal()
	l.done.Add(1)
	go l.accept()
	t.Cleanup(l.close)
	return l
}

// Address is where the link listens, as host:port.
func (l *Link) Address() string { return l.listener.Addr().String() }

// Hurt sets what both directions suffer from now on; up is from the one who connects. Open connections suffer too.
func (l *Link) Hurt(up, down Harm) {
	l.up.Store(&side{Harm: up})
	l.down.Store(&side{Harm: down})
}

// Heal makes the link good again. What went into a hole stays there.
func (l *Link) Heal() { l.Hurt(Harm{}, Harm{}) }

// Freeze makes the connections that are open now half-open for ever: both sides may send, nothing arrives and nobody is
// told. New connections are good.
func (l *Link) Freeze() { l.frozen.Add(1) }

// Struck is how many times a connection met its End or was frozen while it carried something.
func (l *Link) Struck() int { return int(l.struck.Load()) }

// Carried is how many bytes went on, both directions together.
func (l *Link) Carried() int64 { return l.carried.Load() }

func (l *Link) accept() {
	defer l.done.Done()
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		network := "tcp"
		if strings.HasPrefix(l.target, "/") {
			network = "unix"
		}
		far, err := net.DialTimeout(network, l.target, 5*time.Second)
		if err != nil {
			_ = near.Close()
			continue
		}
		p := &pair{link: l, near: near, far: far, born: l.frozen.Load(), ended: make(chan struct{})}
		l.mu.Lock()
		if l.closed {
			p.end(Close)
			l.mu.Unlock()
			return
		}
		l.open[p] = true
		l.done.Add(2)
		l.mu.Unlock()
		go p.carry(near, far, &l.up)
		go p.carry(far, near, &l.down)
	}
}

func (l *Link) close() {
	_ = l.listener.Close()
	l.mu.Lock()
	l.closed = true
	for p := range l.open {
		p.end(Close)
	}
	l.mu.Unlock()
	l.done.Wait()
}

// pair is one connection through the link.
type pair struct {
	link      *Link
	near, far net.Conn
	born      int64
	once      sync.Once
	halves    atomic.Int32
	ended     chan struct{}
}

// end ends the connection on both sides.
func (p *pair) end(how End) {
	p.once.Do(func() {
		close(p.ended)
		for _, c := range []net.Conn{p.near, p.far} {
			if tcp, ok := c.(*net.TCPConn); ok && how == Reset {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		}
	})
}

// finish passes an orderly end on; the connection is over when both directions are.
func (p *pair) finish(to net.Conn) {
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	if p.halves.Add(1) == 2 {
		p.end(Close)
		p.link.mu.Lock()
		delete(p.link.open, p)
		p.link.mu.Unlock()
	}
}

// carry moves one direction until it ends.
func (p *pair) carry(from, to net.Conn, what *atomic.Pointer[side]) {
	defer p.link.done.Done()
	defer p.finish(to)
	w := &way{pair: p, to: to, what: what}
	buf := make([]byte, 32<<10)
	for {
		h := what.Load()
		if h.End != Open && h.End != Hole && h.After == 0 && w.strike(h) {
			return
		}
		n, err := from.Read(buf)
		if !w.pass(buf[:n]) {
			return
		}
		if err != nil {
			if err == io.EOF {
				p.wait(what.Load().Linger)
			}
			return
		}
	}
}

// wait pauses, and tells whether the connection is still there.
func (p *pair) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ended:
		return false
	}
}
