package campaign

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Programs as they are shipped hold nothing that reads MLC_CRASH or MLC_BUG; with the tag they do, so that the look for
// it can fail.
func TestShippedProgramsCannotBeToldToCrash(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want bool
	}{
		"as shipped":   {nil, false},
		"for campaign": {[]string{"-tags", "faultpoints"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "ml-connector")
			cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build"}, c.args...), "-o", out, "../../ml-connector")...)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			program, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			for _, mark := range []string{"MLC_CRASH", "MLC_BUG", "pkg/crash.read"} {
				if bytes.Contains(program, []byte(mark)) != c.want {
					t.Errorf("%s in the program: %t", mark, !c.want)
				}
			}
		})
	}
}
