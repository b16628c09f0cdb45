package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/app"
)

// Mistakes that the command line sees itself, without a process to ask: exit code 2, and a next step.
func TestMistakesOfRecoveryByHandSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct{ line, next string }{
		"a time that is none":             {"replay acme --stream ERP --since yesterday --until 1h", "--since 2h"},
		"two things at once":              {"replay acme --status --stop x", "one of them"},
		"a list of a range":               {"replay acme --status --stream ERP", "leave"},
		"waiting for a preview":           {"replay acme --stream ERP --key 1 --wait", "--dry-run=false"},
		"a tenant that cannot be":         {"replay ACME! --status", "status"},
		"no tenant":                       {"replay", "--help"},
		"a letter that is no number":      {"dead show acme x", "dead list acme"},
		"a decision on no number":         {"dead retry acme x", "dead list acme"},
		"a drop without a reason":         {"dead drop acme 3", "--reason"},
		"a checkpoint that is none":       {"audit verify acme --checkpoint foo", "audit checkpoint"},
		"a key that is missing":           {"holds approve acme suspend-1 --only", "--help"},
		"a command that is not there":     {"dead frobnicate", "dead --help"},
		"a flag that is not there":        {"vault rotate --keys x", "rotate --help"},
		"more than one hold at once":      {"holds approve acme suspend-1 suspend-2", "--help"},
		"a sequence that is not a number": {"replay acme --stream ERP --from-seq one", "--help"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := Main(t.Context(), app.Env{Args: strings.Fields(c.line), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }})
			if app.ExitCode(err) != app.ExitInput {
				t.Fatalf("exit code %d, want %d: %v", app.ExitCode(err), app.ExitInput, err)
			}
			if _, next, ok := strings.Cut(err.Error(), "\n  next  "); !ok || !strings.Contains(next, c.next) {
				t.Errorf("%v: want a next step with %q", err, c.next)
			}
		})
	}
}
