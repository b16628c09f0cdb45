package natsembed

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// use makes the streams and stores one fact; it fails when the fact of an earlier use is not there any more.
func use(t *testing.T, s *Server, key string, before int) {
	t.Helper()
	b, err := natsbus.Connect(t.Context(), natsbus.Options{InProcess: s})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	store(t, b, key, before)
}

func store(t *testing.T, b *natsbus.Bus, key string, before int) {
	t.Helper()
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.PublishFacts(t.Context(), bustest.Acme, bustest.Facts(bustest.Acme, key, 1)); err != nil {
		t.Fatal(err)
	}
	st, err := b.State(t.Context(), bustest.Acme)
	if err != nil || st.Streams["ERP"].Messages != uint64(before)+1 {
		t.Fatalf("%d facts, want %d (%v)", st.Streams["ERP"].Messages, before+1, err)
	}
}

func TestTheFolderBelongsToOneServer(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Options{Dir: dir})
	_, err := Start(t.Context(), Options{Dir: dir})
	if fault.KindOf(err) != fault.Config || !strings.Contains(err.Error(), "ALREADY_RUNNING") {
		t.Fatalf("second server: %v, want ALREADY_RUNNING", err)
	}
	use(t, first, "1", 0)
	stop(t, first)
	use(t, start(t, Options{Dir: dir}), "2", 1)
}

func TestKeys(t *testing.T) {
	one, two := []byte(strings.Repeat("first-k.", 4)), []byte(strings.Repeat("other-k.", 4)) // nothing a folder's name could hold
	cases := map[string]struct {
		first, then []byte
		refused     bool
	}{
		"the same key opens":         {one, one, false},
		"no key opens what is plain": {nil, nil, false},
		"another key is refused":     {one, two, true},
		"a missing key is refused":   {one, nil, true},
		"a new key on plain streams": {nil, one, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := start(t, Options{Dir: dir, Key: c.first})
			use(t, s, "1", 0)
			stop(t, s)
			s, err := Start(t.Context(), Options{Dir: dir, Key: c.then})
			if c.refused {
				if fault.CodeOf(err) != fault.VaultKey || strings.Contains(err.Error(), "first-k.") || strings.Contains(err.Error(), "other-k.") {
					t.Fatalf("%v, want VAULT_KEY and no key in it", err)
				}
				s = start(t, Options{Dir: dir, Key: c.first}) // and nothing was lost
			} else if err != nil {
				t.Fatal(err)
			}
			use(t, s, "2", 1)
			stop(t, s)
		})
	}
}

func TestStreamsAreNotReadableWithAKey(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir, Key: []byte(strings.Repeat("k", 32))})
	use(t, s, "needle", 0)
	stop(t, s)
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "needle") {
			t.Errorf("%s holds the record's key in plain", path)
		}
		return err
	})
	if err != nil || files < 5 {
		t.Fatalf("looked at %d files: %v", files, err)
	}
}

func TestItSyncsAndIsHealthyAndListensOnlyWhenAsked(t *testing.T) {
	s := start(t, Options{Dir: t.TempDir()})
	if !s.Synced() || s.Address() != "" || s.Healthy(t.Context()) != nil {
		t.Errorf("synced %v, address %q, health %v", s.Synced(), s.Address(), s.Healthy(t.Context()))
	}
	open := start(t, Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(open.Address(), "nats://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]Options{"no folder": {}, "bad address": {Dir: t.TempDir(), Listen: "here"}, "bad port": {Dir: t.TempDir(), Listen: "127.0.0.1:x"}} {
		if _, err := Start(t.Context(), o); fault.KindOf(err) != fault.Config {
			t.Errorf("%s: %v, want kind config", name, err)
		}
	}
}

func TestAFullStoreIsALimit(t *testing.T) {
	s := start(t, Options{Dir: t.TempDir(), MaxStore: 2 << 10})
	b, err := natsbus.Connect(t.Context(), natsbus.Options{InProcess: s})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(100) {
		if err = b.PublishFacts(t.Context(), bustest.Acme, bustest.Facts(bustest.Acme, "1", n)); err != nil {
			break
		}
	}
	if fault.CodeOf(err) != fault.BrokerLimit || fault.KindOf(err) != fault.Transient {
		t.Errorf("%v, want BROKER_LIMIT, transient", err)
	}
}

// TestABrokenInsideIsReplaced breaks the server as a latched store would look from outside, and expects the watchdog
// to bring it back and an open connection to go on.
func TestABrokenInsideIsReplaced(t *testing.T) {
	s := start(t, Options{Dir: t.TempDir(), Watch: 20 * time.Millisecond})
	b, err := natsbus.Connect(t.Context(), natsbus.Options{InProcess: s, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	store(t, b, "1", 0)
	old := s.current()
	if err := old.DisableJetStream(); err != nil {
		t.Fatal(err)
	}
	if err := s.Healthy(t.Context()); fault.CodeOf(err) != fault.BrokerDown {
		t.Fatalf("health of a broken server: %v, want BROKER_DOWN", err)
	}
	wait(t, func() bool { return s.current() != old && b.Healthy(t.Context()) == nil })
	store(t, b, "2", 1)
}

func TestShutdownTwiceAndWithoutTime(t *testing.T) {
	s := start(t, Options{Dir: t.TempDir()})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ended); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.current().WaitForShutdown()
}

func wait(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatal("not in time")
}
