//go:build faultpoints

package crash

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAProcessDiesAtTheNamedHit(t *testing.T) {
	if os.Getenv("CRASH_CHILD") != "" {
		for range 5 {
			_, _ = os.Stdout.WriteString("x")
			Point("here")
			Point("elsewhere")
		}
		os.Exit(0)
	}
	for name, c := range map[string]struct {
		script string
		passed int
		killed bool
	}{
		"at the third hit":          {"here:3", 3, true},
		"at the first without hit":  {"here", 1, true},
		"at a point never reached":  {"nowhere:1", 5, false},
		"at a hit too far":          {"here:6", 5, false},
		"with certainty everywhere": {"rand:1:1", 1, true},
		"never by chance":           {"rand:1:0", 5, false},
		"second of two scripts":     {"nowhere:1,elsewhere:2", 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=TestAProcessDiesAtTheNamedHit$")
			cmd.Env = append(os.Environ(), "CRASH_CHILD=1", "MLC_CRASH="+c.script)
			out, err := cmd.Output()
			var exit *exec.ExitError
			killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
			if killed != c.killed || strings.Count(string(out), "x") != c.passed {
				t.Fatalf("killed %v after %q: %v", killed, out, err)
			}
		})
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, bad := range []string{"a:b", "rand:x:1", "rand:1:x", "delay:a:b", "a:1:2:3"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", bad)
				}
			}()
			read(bad, "")
		}()
	}
}

func TestDelaysAndBugs(t *testing.T) {
	s := read("delay:here:50ms", "overlap-zero, other")
	if dies, pause := s.reach("here"); dies || pause != 50*time.Millisecond {
		t.Fatal(dies, pause)
	}
	if !s.bugs["overlap-zero"] || !s.bugs["other"] || s.bugs["third"] {
		t.Fatal(s.bugs)
	}
}
