package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/reference/faults.md names is there, and every row of the catalogue is on the page.
func TestEveryTestOnThePageOfFaultsExists(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	source := map[string]string{}
	named := 0
	for _, m := range regexp.MustCompile("`((?:pkg|services)/[a-z0-9/-]+)` (Test[A-Za-z0-9]+)(?:/([^;|\n]+))?").FindAllStringSubmatch(string(page), -1) {
		named++
		if source[m[1]] == "" {
			source[m[1]] = tests(t, filepath.Join("../..", m[1]))
		}
		if !strings.Contains(source[m[1]], "func "+m[2]+"(t ") {
			t.Errorf("%s has no %s", m[1], m[2])
		}
		row, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(m[3]), "."), ", towards the server")
		row, _, _ = strings.Cut(row, ", from the server")
		row, _, _ = strings.Cut(row, ", by the client of")
		if row != "" && !strings.Contains(source[m[1]], `"`+row+`"`) {
			t.Errorf("%s: %s has no row %q", m[1], m[2], row)
		}
	}
	if named < 60 {
		t.Errorf("the page names %d tests: it was not understood", named)
	}
	for letter, last := range map[string]int{"Z": 22, "P": 16, "N": 8, "M": 9} {
		for i := 1; i <= last; i++ {
			row := "| " + letter + string(rune('0'+i/10)) + string(rune('0'+i%10)) + " |"
			if !strings.Contains(string(page), row) && (letter != "Z" || i < 19 || i > 21) {
				t.Errorf("no row %s", row)
			}
		}
	}
}

// tests is the text of all test files of a folder.
func tests(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d test files, %v", dir, len(files), err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
