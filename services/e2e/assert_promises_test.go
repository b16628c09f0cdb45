package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A promise whose proof is not there is no promise.
func TestEveryPromiseHasItsProof(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/promises.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(b, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	promises := regexp.MustCompile(`(?m)^\d+\. `).Split(string(page), -1)[1:]
	if len(promises) != 18 {
		t.Errorf("%d promises, want 18", len(promises))
	}
	for n, text := range promises {
		proofs := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(text, -1)
		if len(proofs) == 0 && !strings.Contains(text, "NOT YET") && !strings.Contains(text, "not tested is said") {
			t.Errorf("promise %d has no proof", n+1)
		}
		for _, p := range proofs {
			if !there[p[1]] {
				t.Errorf("promise %d: there is no %s", n+1, p[1])
			}
		}
	}
}
