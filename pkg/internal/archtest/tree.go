// Package archtest holds the nevers of design.md 7 and the habits of style.md that a compiler does not check, as rules
// over the source of all modules. Each rule says why it is there; each is tested against a small example that breaks
// it. Run with -count=1: the test cache does not see another package change.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// prefix is what import paths of ours start with; behind it comes the folder in the repository.
const prefix = "github.com/ml-connector/ml-connector/"

// File is one Go file of the repository.
type File struct {
	Path    string // from the root of the repository, with slashes
	Dir     string
	Test    bool // a _test.go file
	Main    bool // of a package main
	Lines   int
	Imports []Import
	Syntax  *ast.File
	set     *token.FileSet
}

// Import is one import; Ours tells whether Path is a folder of the repository.
type Import struct {
	Path string
	Ours bool
	Line int
}

// Finding is one place where a rule is broken.
type Finding struct {
	Path string
	Line int
	What string
}

// String is path:line: what.
func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.What) }

// Rule is one thing that must not happen.
type Rule struct {
	Name  string
	Why   string
	Check func(files []File) []Finding
}

// Load parses every Go file of the modules below root.
func Load(root string, modules ...string) ([]File, error) {
	var files []File
	for _, m := range modules {
		err := filepath.WalkDir(filepath.Join(root, m), func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() && e.Name() == "testdata" {
				return skip(err)
			}
			if e.IsDir() || !strings.HasSuffix(name, ".go") {
				return nil
			}
			src, err := os.ReadFile(name) //nolint:gosec // below root
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			f, err := Parse(filepath.ToSlash(rel), src)
			files = append(files, f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func skip(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

// Parse makes a File of one source text.
func Parse(name string, src []byte) (File, error) {
	f := File{Path: name, Dir: path.Dir(name), Test: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet()}
	syntax, err := parser.ParseFile(f.set, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return f, err
	}
	f.Syntax, f.Main = syntax, syntax.Name.Name == "main"
	f.Lines = strings.Count(string(src), "\n")
	for _, spec := range syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return f, err
		}
		rest, ours := strings.CutPrefix(p, prefix)
		f.Imports = append(f.Imports, Import{rest, ours, f.line(spec)})
	}
	return f, nil
}

func (f File) line(n ast.Node) int { return f.set.Position(n.Pos()).Line }

func (f File) at(n ast.Node, format string, args ...any) Finding {
	return Finding{f.Path, f.line(n), fmt.Sprintf(format, args...)}
}

// generated tells whether a tool wrote the file.
func (f File) generated() bool { return ast.IsGenerated(f.Syntax) }

// under tells whether dir is one of the folders or below one of them.
func under(dir string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return dir == f || strings.HasPrefix(dir, f+"/") })
}

// each applies visit to every node of every file that take accepts.
func each(files []File, take func(File) bool, visit func(File, ast.Node) []Finding) []Finding {
	var found []Finding
	for _, f := range files {
		if !take(f) {
			continue
		}
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if n != nil {
				found = append(found, visit(f, n)...)
			}
			return true
		})
	}
	return found
}

// support tells whether the file is of a package that only tests use: its name ends in test (storetest, pgtest).
func (f File) support() bool { return f.Test || testing(f.Dir) }

func testing(dir string) bool { return strings.HasSuffix(dir, "test") && path.Base(dir) != "archtest" }

func code(f File) bool { return !f.Test }

func everything(File) bool { return true }
