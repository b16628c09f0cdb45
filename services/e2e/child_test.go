package e2e

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

// programs builds the named programs once for the test and answers their folder.
func programs(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	for _, n := range names {
		args = append(args, "../"+n)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	return dir
}

// child is a real program that can be killed.
type child struct {
	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan struct{}
	last bool // its log is worth reading when the test fails
}

// spawn starts a program with environment env.
func spawn(t testing.TB, path string, env []string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(path, args...), log: &lockedBuffer{}, done: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = c.cmd.Wait(); close(c.done) }()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() && c.last {
			t.Logf("%s said:\n%s", filepath.Base(path), c.log.tail(4000))
		}
	})
	return c
}

// serve starts the one process on a data folder and waits until it answers; w's client is its own from then on.
func (w *world) serve(t testing.TB, bin, data, config string, args ...string) *child {
	t.Helper()
	args = append([]string{"serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0", "--ingress", cmp.Or(w.ingress, "127.0.0.1:0")}, args...)
	c := spawn(t, filepath.Join(bin, "ml-connector"), nil, args...)
	until(t, time.Minute, "the process answers", func() bool {
		client, err := adminapi.FindLocal(data)
		if err != nil {
			return false
		}
		w.client = client
		_, err = client.Status(t.Context(), "")
		return err == nil
	}, func() { t.Log(c.log.tail(2000)) })
	return c
}

// kill ends the program with SIGKILL, as a crash would.
func (c *child) kill() {
	_ = c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.done
}

// term asks the program to end and answers its exit code.
func (c *child) term() int {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	<-c.done
	return c.cmd.ProcessState.ExitCode()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	return string(b[max(0, len(b)-n):])
}
