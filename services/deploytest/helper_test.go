package deploytest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the repository, seen from this package.
const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// code calls visit with every Go file below the folders that is no test.
func code(t *testing.T, visit func(name, text string), folders ...string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			b, err := os.ReadFile(path)
			visit(path, string(b))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var variable = regexp.MustCompile(`MLC_[A-Z_]*[A-Z]`)

// variables are the MLC_ variables that programs read; those for tests are left out.
func variables(t *testing.T) []string {
	var list []string
	quoted := regexp.MustCompile(`"(MLC_[A-Z_]*[A-Z])"`)
	code(t, func(_, text string) {
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "MLC_TEST_") {
				list = append(list, m[1])
			}
		}
	}, "pkg/app", "services/internal", "services/ml-connector")
	slices.Sort(list)
	return slices.Compact(list)
}

// missing lists what is in want and not in have.
func missing(want, have []string) (list []string) {
	for _, w := range want {
		if !slices.Contains(have, w) {
			list = append(list, w)
		}
	}
	return list
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
