package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// instructions are the Dockerfile's, with comments and line breaks taken away.
func instructions(t *testing.T) (list [][2]string) {
	text := strings.ReplaceAll(read(t, "deploy/Dockerfile"), "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		list = append(list, [2]string{word, strings.TrimSpace(rest)})
	}
	return list
}

func TestDockerfile(t *testing.T) {
	var bases, copies []string
	last := map[string]string{}
	for _, in := range instructions(t) {
		last[in[0]] = in[1]
		switch in[0] {
		case "FROM":
			bases = append(bases, in[1])
		case "COPY":
			copies = append(copies, in[1])
		}
	}
	text := read(t, "deploy/Dockerfile")
	goLine := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.work"))[1]
	rules := map[string]bool{
		"two stages":                              len(bases) == 2,
		"built with the Go version of go.work":    strings.HasPrefix(bases[0], "golang:"+goLine+"-"),
		"the base has a tag that is not latest":   strings.Contains(bases[1], ":nonroot"),
		"it runs as nobody":                       strings.HasPrefix(last["USER"], "65532"),
		"the entry point needs no shell":          strings.HasPrefix(last["ENTRYPOINT"], "["),
		"static and without paths of the builder": strings.Contains(text, "CGO_ENABLED=0") && strings.Contains(text, "-trimpath"),
		"built like the tests":                    strings.Contains(text, "GOEXPERIMENT=jsonv2") && strings.Contains(read(t, "Makefile"), "GOEXPERIMENT := jsonv2"),
		"the health check is inside":              strings.Contains(text, "COPY --from=build /out/healthcheck /healthcheck"),
	}
	for rule, ok := range rules {
		if !ok {
			t.Errorf("not true: %s", rule)
		}
	}
	for _, c := range copies {
		if strings.HasPrefix(c, "--from") {
			continue
		}
		from := strings.Fields(c)
		for _, name := range from[:len(from)-1] {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("COPY %s: %v", name, err)
			}
		}
	}
}

// TestEveryModuleIsInTheImage: go.work refuses to work with a module missing.
func TestEveryModuleIsInTheImage(t *testing.T) {
	text := read(t, "deploy/Dockerfile")
	for _, m := range regexp.MustCompile(`\./(\w+)`).FindAllStringSubmatch(read(t, "go.work"), -1) {
		if !strings.Contains(text, "COPY "+m[1]+"/go.mod "+m[1]+"/go.sum "+m[1]+"/") || !strings.Contains(text, "COPY "+m[1]+" "+m[1]) {
			t.Errorf("module %s is not copied", m[1])
		}
	}
}
