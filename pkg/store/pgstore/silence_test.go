package pgstore

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
)

// N04: a server that does not answer keeps its caller for a bounded time, also one whose context has no end.
func TestACallEndsWhenTheServerIsSilent(t *testing.T) {
	s := at(t, pgtest.URL(t)+"&pool_silence=300ms")
	defer s.Close() //nolint:errcheck // nothing hangs on it
	began := time.Now()
	_, err := s.pool.Exec(t.Context(), "SELECT pg_sleep(20)")
	err = fail("test", err)
	if took := time.Since(began); fault.KindOf(err) != fault.Transient || took < 300*time.Millisecond || took > 10*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestASilenceThatIsNoDurationIsRefused(t *testing.T) {
	for _, text := range []string{"soon", "0", "-5s"} {
		if _, err := Open(t.Context(), "postgres://db.example/mlc?pool_silence="+text); fault.KindOf(err) != fault.Config {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// pgx ends a call by a deadline of its own when the caller's context ends; ours must not take its place. The server hears
// of the end at once: as long as it does not, it keeps the locks of a transaction that nobody goes on with.
func TestAnEarlierEndOfTheCallerCounts(t *testing.T) {
	for _, end := range []time.Time{time.Now().Add(-time.Second), {}} {
		near, far := net.Pipe()
		defer far.Close() //nolint:errcheck // nothing hangs on it
		c := &quietConn{Conn: near, silence: 50 * time.Millisecond}
		if err := c.SetDeadline(end); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := c.Read(make([]byte, 1))
		if early := time.Since(began) < 40*time.Millisecond; !errors.Is(err, os.ErrDeadlineExceeded) || early == end.IsZero() {
			t.Errorf("deadline %v: %v after %v", end, err, time.Since(began))
		}
		_ = far.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("deadline %v: the server reads on: %v", end, err)
		}
	}
}
