package e2e

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// names is a DNS server that gives every name the same answer.
type names struct {
	address atomic.Pointer[netip.Addr] // nil: rcode
	rcode   atomic.Int32               // 2: the server fails, 3: no such name
	asked   atomic.Int32
}

// newNames makes it the resolver of this process until the end of the test.
func newNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	n := &names{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := n.reply(buf[:size]); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = conn.Close()
		<-done
	})
	return n
}

// reply answers a question of one name (RFC 1035, 4.1): the question again, and an address when it asks for one.
func (n *names) reply(q []byte) []byte {
	if len(q) < 17 {
		return nil
	}
	n.asked.Add(1)
	end := 12
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	if end += 5; end > len(q) {
		return nil
	}
	out := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...)
	a := n.address.Load()
	switch {
	case a == nil:
		out[3] |= byte(n.rcode.Load())
	case q[end-3] == 1: // type A
		out[7] = 1
		out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		out = append(out, a.AsSlice()...)
	}
	return out
}

func (n *names) is(address string) {
	a := netip.MustParseAddr(address)
	n.address.Store(&a)
}

func (n *names) none(rcode int32) {
	n.rcode.Store(rcode)
	n.address.Store(nil)
}

// house is a server at an address of this machine.
func house(t *testing.T, address string, cert tls.Certificate) (port string, asked *atomic.Int32, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	asked = &atomic.Int32{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(http.StatusTeapot) }))
	_ = s.Listener.Close()
	s.Listener, s.Config.ErrorLog, s.TLS = l, log.New(io.Discard, "", 0), &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, err = net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port, asked, s.Close
}

// I17: a system's name does not resolve, resolves to an address that is never allowed, comes back, and moves to another
// address. One client, never made anew: it says what is wrong with the next step, sends nothing where nothing may go,
// and goes on by itself, at the new address.
func TestI17NamesThatDoNotResolveOrMove(t *testing.T) {
	ours := newAuthority(t, "CA of Acme")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw}), 0o600))
	cert, dns := ours.leaf(t, nil), newNames(t)
	for who, open := range openers(ca) {
		t.Run(who, func(t *testing.T) {
			port, first, stop := house(t, "127.0.0.1:0", cert)
			_, second, _ := house(t, "127.0.0.2:"+port, cert)
			look := open(t, "https://hr.acme.example:"+port)
			fails := func(says string) {
				t.Helper()
				before := first.Load() + second.Load()
				if !unreachable(look(), says) {
					t.Errorf("no step says %q with a code and the next step: %+v", says, look())
				}
				if n := first.Load() + second.Load(); n != before {
					t.Errorf("%d requests left", n-before)
				}
			}
			works := func(at *atomic.Int32) {
				t.Helper()
				before := at.Load()
				if steps := look(); at.Load() == before {
					t.Errorf("nobody was asked: %+v", steps)
				}
			}
			dns.none(3)
			fails("hr.acme.example cannot be resolved")
			dns.is("127.0.0.1")
			works(first)
			dns.none(2)
			stop() // its connections are gone as well
			fails("hr.acme.example cannot be resolved")
			for _, never := range []string{"169.254.169.254", "0.0.0.0", "224.0.0.1", "100.100.100.200"} {
				dns.is(never)
				fails("never allowed")
			}
			dns.is("127.0.0.2")
			works(second)
			if dns.asked.Load() < 10 {
				t.Errorf("%d questions: the names were not asked for", dns.asked.Load())
			}
		})
	}
}

func unreachable(steps []check.Step, says string) bool {
	for _, s := range steps {
		if strings.HasSuffix(string(s.Code), "_UNREACHABLE") && strings.Contains(s.Detail, says) && fault.Code(s.Code).Next() != "" {
			return true
		}
	}
	return false
}
