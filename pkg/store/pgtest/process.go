package pgtest

import (
	"os"
	"os/exec"
	"runtime"
	"time"
)

// process is a running server; done is closed when it has ended.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// run starts cmd from a thread that lives as long as it does: on Linux the server dies with that thread (see
// attributes), so that a killed test binary leaves no server behind.
func run(cmd *exec.Cmd) (*process, error) {
	p, started := &process{cmd: cmd, done: make(chan struct{})}, make(chan error)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended does not matter
		}
	}()
	return p, <-started
}

// stop asks for a fast shutdown (SIGINT) and insists after the limit.
func (p *process) stop(limit time.Duration) {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// command runs a program of Postgres in dir, quietly and with a plain locale.
func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + dir}
	cmd.SysProcAttr = attributes()
	return cmd
}
