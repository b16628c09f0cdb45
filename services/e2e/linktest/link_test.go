package linktest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// echo answers what it hears.
func echo(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

// talk sends size bytes through l and answers what came back within half a second of silence.
func talk(t testing.TB, l *Link, c net.Conn, size int) (back []byte, err error) {
	t.Helper()
	text := bytes.Repeat([]byte("0123456789"), size/10)
	go func() { _, _ = c.Write(text) }()
	buf := make([]byte, 4096)
	for len(back) < size {
		_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := c.Read(buf)
		back = append(back, buf[:n]...)
		if err != nil {
			return back, err
		}
	}
	if !bytes.Equal(back, text) {
		t.Error("the bytes changed on their way")
	}
	return back, nil
}

func dial(t testing.TB, l *Link) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestHarms(t *testing.T) {
	for name, c := range map[string]struct {
		up, down Harm
		bytes    int
		err      error
		least    time.Duration
	}{
		"a good link":              {bytes: 1000},
		"latency":                  {up: Harm{Latency: 50 * time.Millisecond}, down: Harm{Latency: 50 * time.Millisecond}, bytes: 1000, least: 100 * time.Millisecond},
		"slices with jitter":       {down: Harm{Slice: 100, Jitter: 10 * time.Millisecond}, bytes: 1000},
		"a narrow link":            {up: Harm{Slice: 100, Rate: 10_000}, bytes: 1000, least: 95 * time.Millisecond},
		"closed by bytes":          {down: Harm{End: Close, After: 300}, bytes: 300, err: io.EOF},
		"reset at once":            {up: Harm{End: Reset}, err: syscall.ECONNRESET},
		"reset within the request": {up: Harm{End: Reset, After: 10}, err: syscall.ECONNRESET},
		"a hole upwards":           {up: Harm{End: Hole}, err: os.ErrDeadlineExceeded},
		"a hole downwards by size": {down: Harm{End: Hole, After: 70}, bytes: 70, err: os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			l := New(t, echo(t))
			l.Hurt(c.up, c.down)
			began := time.Now()
			got, err := talk(t, l, dial(t, l), 1000)
			if c.err == syscall.ECONNRESET && len(got) <= 10 && errors.Is(err, syscall.ECONNRESET) {
				return
			}
			if len(got) != c.bytes || !errors.Is(err, c.err) || time.Since(began) < c.least {
				t.Errorf("%d bytes after %v, %v; want %d, %v", len(got), time.Since(began), err, c.bytes, c.err)
			}
			if c.err != nil && l.Struck() == 0 {
				t.Error("nothing was counted")
			}
			l.Heal()
			if got, err := talk(t, l, dial(t, l), 1000); err != nil {
				t.Errorf("after it: %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestOnlySoManyConnectionsEnd(t *testing.T) {
	l := New(t, echo(t))
	l.Hurt(Harm{}, Harm{End: Close, After: 100, Times: 2})
	for i := range 4 {
		if got, err := talk(t, l, dial(t, l), 1000); (err != nil) != (i < 2) {
			t.Errorf("connection %d: %d bytes, %v", i, len(got), err)
		}
	}
}

func TestAFrozenConnectionIsSilentAndANewOneIsGood(t *testing.T) {
	l := New(t, echo(t))
	old := dial(t, l)
	if _, err := talk(t, l, old, 100); err != nil {
		t.Fatal(err)
	}
	l.Freeze()
	if got, err := talk(t, l, old, 100); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := talk(t, l, dial(t, l), 100); err != nil {
		t.Error(err)
	}
}
