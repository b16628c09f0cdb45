package deploytest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/ml-connector/cli"
)

// TestEveryDirectDependencyIsExplained holds docs/reference/dependencies.md to the go.mod files, in both directions.
func TestEveryDirectDependencyIsExplained(t *testing.T) {
	var explained []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(read(t, "docs/reference/dependencies.md"), -1) {
		explained = append(explained, m[1])
	}
	direct := directDependencies(t)
	for _, d := range missing(direct, explained) {
		t.Errorf("%s is required and not explained in docs/reference/dependencies.md", d)
	}
	for _, d := range missing(explained, direct) {
		t.Errorf("%s is explained in docs/reference/dependencies.md and not imported", d)
	}
}

// directDependencies are the modules of go.mod files that our code imports itself; `make test` holds the comment
// "// indirect" to the truth.
func directDependencies(t *testing.T) []string {
	var modules, direct []string
	line := regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`)
	for _, m := range []string{"pkg", "schemas", "services"} {
		for _, r := range line.FindAllStringSubmatch(read(t, m+"/go.mod"), -1) {
			if !strings.HasPrefix(r[1], "github.com/ml-connector/") {
				modules = append(modules, r[1])
			}
		}
	}
	imported := imports(t)
	for _, m := range unique(modules) {
		if slices.ContainsFunc(imported, func(i string) bool { return i == m || strings.HasPrefix(i, m+"/") }) {
			direct = append(direct, m)
		}
	}
	return direct
}

// imports are the packages that our Go files import, tests included.
func imports(t *testing.T) (list []string) {
	line := regexp.MustCompile(`(?m)^(?:import )?\s*(?:[\w.]+ )?"([a-z0-9.-]+\.[a-z]+/[^"\s]+)"$`)
	for _, m := range []string{"pkg", "schemas", "services"} {
		err := filepath.WalkDir(filepath.Join(root, m), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			b, err := os.ReadFile(path)
			for _, r := range line.FindAllStringSubmatch(string(b), -1) {
				list = append(list, r[1])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return unique(list)
}

// TestEveryVariableIsDescribed holds docs/reference/environment.md to the code, in both directions.
func TestEveryVariableIsDescribed(t *testing.T) {
	page := read(t, "docs/reference/environment.md")
	described := unique(variable.FindAllString(page, -1))
	for _, v := range missing(variables(t), described) {
		t.Errorf("%s is read and not described in docs/reference/environment.md", v)
	}
	for _, v := range missing(described, variables(t)) {
		if !strings.HasPrefix(v, "MLC_TEST_") {
			t.Errorf("%s is described in docs/reference/environment.md and nobody reads it", v)
		}
	}
	for _, m := range regexp.MustCompile("yaml:\"(\\w+)\"").FindAllStringSubmatch(read(t, "services/internal/assembly/file.go"), -1) {
		if !strings.Contains(page, "`"+m[1]+"`") {
			t.Errorf("the key %s of --config is not described in docs/reference/environment.md", m[1])
		}
	}
}

// TestEveryMetricIsDescribed holds docs/reference/metrics.md to the meter, in both directions.
func TestEveryMetricIsDescribed(t *testing.T) {
	var described, measured []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(mlc_\\w+)`").FindAllStringSubmatch(read(t, "docs/reference/metrics.md"), -1) {
		described = append(described, m[1])
	}
	for _, m := range regexp.MustCompile(`d\("(\w+)", "`).FindAllStringSubmatch(read(t, "services/internal/assembly/meter.go"), -1) {
		measured = append(measured, "mlc_"+m[1])
	}
	if len(measured) == 0 {
		t.Fatal("no metrics found in services/internal/assembly/meter.go")
	}
	if have, want := unique(described), unique(measured); !slices.Equal(have, want) {
		t.Errorf("docs/reference/metrics.md has %v, the meter %v", have, want)
	}
	for _, used := range regexp.MustCompile(`mlc_[a-z_]+`).FindAllString(read(t, "docs/how-to/run-in-production.md"), -1) {
		if !slices.Contains(measured, used) {
			t.Errorf("docs/how-to/run-in-production.md: there is no metric %s", used)
		}
	}
}

var update = flag.Bool("update", false, "write docs/reference/cli.md")

// TestCommandPageIsCurrent: the page is what the commands say of themselves.
// go test ./services/deploytest -run TestCommandPageIsCurrent -update
func TestCommandPageIsCurrent(t *testing.T) {
	const page = "docs/reference/cli.md"
	text := commandPage(t)
	if *update {
		if err := os.WriteFile(filepath.Join(root, page), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, page) != text {
		t.Errorf("%s is not current: run this test with -update", page)
	}
}

func commandPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Commands\n\n<!-- Generated: go test ./services/deploytest -run TestCommandPageIsCurrent -update -->\n\n" +
		"Commands talk to a running process through the admin API: to one on this machine through its `--data` folder, to\n" +
		"another with `--server URL` and its token in `MLC_TOKEN`. Data goes to standard output, talk to standard error;\n`--json` is stable.\n\n" +
		"Exit codes: 0 ok, 1 failed, 2 wrong input, 3 an outside system or a check failed, 4 stopped by the guard or a stale plan\n" +
		"(a hold that changed since it was looked at), 128 + the signal's number after a second signal.\n")
	for _, c := range append([]string{""}, commands(t)...) {
		fmt.Fprintf(&b, "\n## ml-connector %s\n\n```text\n%s```\n", c, help(t, strings.Fields(c)...))
	}
	return strings.ReplaceAll(b.String(), "ml-connector \n", "ml-connector\n")
}

// commands lists the commands as the help does, with the commands of commands behind them.
func commands(t *testing.T) (list []string) {
	line := regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`)
	for _, m := range line.FindAllStringSubmatch(help(t), -1) {
		if m[1] == "help" || m[1] == "completion" {
			continue
		}
		sub := regexp.MustCompile(`(?ms)^Available Commands:\n(.*?)\n\n`).FindStringSubmatch(help(t, m[1]))
		if sub == nil {
			list = append(list, m[1])
			continue
		}
		for _, s := range line.FindAllStringSubmatch(sub[1]+"\n", -1) {
			list = append(list, m[1]+" "+s[1])
		}
	}
	return list
}

func help(t *testing.T, command ...string) string {
	t.Helper()
	var out bytes.Buffer
	env := app.Env{Args: append(command, "--help"), Getenv: func(string) string { return "" }, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}
	if err := cli.Main(t.Context(), env); err != nil {
		t.Fatalf("%v --help: %v", command, err)
	}
	return out.String()
}

// TestLinksLead: every relative link of our pages leads to a file.
func TestLinksLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	pages := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
	found, err := filepath.Glob(filepath.Join(root, "docs/*/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		rel, err := filepath.Rel(root, f)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, rel)
	}
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: link to %s leads nowhere", page, m[1])
			}
		}
	}
}
