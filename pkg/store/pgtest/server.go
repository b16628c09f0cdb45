package pgtest

import (
	"path/filepath"
	"testing"
	"time"
)

// Server is a cluster that belongs to one test, which may kill it.
type Server struct{ c *cluster }

// Own starts a cluster for this test alone; it ends with the test. Where the binaries are missing the test does not run.
func Own(t testing.TB) *Server {
	t.Helper()
	if _, err := binary("postgres"); err != nil {
		t.Skipf("NOT RUN: %v", err)
	}
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return &Server{c}
}

// URL is its database.
func (s *Server) URL() string { return s.c.url("postgres") }

// Socket is the path of the socket that it listens on.
func (s *Server) Socket() string { return filepath.Join(s.c.dir, ".s.PGSQL.5432") }

// Kill ends the server as a crash would: every process of it is gone without a word. What was committed is in the
// kernel's hands and survives.
func (s *Server) Kill() {
	_ = s.c.process.cmd.Process.Kill()
	<-s.c.process.done
}

// Start starts it again and waits until it answers. Children of the killed server may hold its memory for a moment.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var err error
	for end := time.Now().Add(startLimit); time.Now().Before(end); <-tick.C {
		if err = s.c.launch(); err == nil {
			return
		}
	}
	t.Fatal(err)
}
