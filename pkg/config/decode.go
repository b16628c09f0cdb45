package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// MaxSize is the largest tenant file, in bytes.
const MaxSize = 1 << 20

// maxLines is the largest number of lines: the parser takes quadratic time in them (262,144 lines: 90 s, measured).
const maxLines = 10_000

// maxProblems is how many problems are told; nobody reads more before mending the first.
const maxProblems = 200

// maxDepth is how deep values may nest; the deepest of ours is 7.
const maxDepth = 24

// File is a decoded tenant file: one tenant for each YAML document in it.
type File struct {
	Path    string
	Tenants []Tenant
}

// Decode reads a tenant file. It reports all problems at once, in the order of the file; with problems, the tenants
// are not to be used. path is only for the messages; nothing is opened.
func Decode(path string, b []byte) (File, Problems) {
	d := &decoder{file: path}
	f := File{Path: path}
	tree := d.parse(b)
	if tree == nil {
		return f, d.problems
	}
	seen := map[Name]bool{}
	for _, doc := range tree.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		t := d.tenant(doc.Body)
		if t.ID != "" && seen[t.ID] {
			d.add(d.places["tenant"], "tenant", bad{what: show(t.ID) + " stands in this file twice", want: "one document for each tenant"})
		}
		seen[t.ID] = true
		f.Tenants = append(f.Tenants, t)
	}
	if len(f.Tenants) == 0 && len(d.problems) == 0 {
		d.add(nil, "", bad{what: "the file is empty", want: "a tenant, see docs/reference/config.md"})
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
	return f, d.cut()
}

// cut keeps the first maxProblems and says how many more there were.
func (d *decoder) cut() Problems {
	if len(d.problems) <= maxProblems {
		return d.problems
	}
	more := len(d.problems) - maxProblems
	last := d.problems[maxProblems]
	return append(d.problems[:maxProblems:maxProblems], Problem{File: d.file, Line: last.Line, Column: last.Column, What: fmt.Sprintf("and %d more problems", more)})
}

type decoder struct {
	file     string
	problems Problems
	places   map[string]*token.Token // of the document that is being read: path to the token of its value
}

func (d *decoder) add(at *token.Token, path string, b bad) {
	p := Problem{File: d.file, Line: 1, Column: 1, Path: path, What: b.what, Want: b.want, Got: b.got, Hint: b.hint}
	if at != nil && at.Position != nil {
		p.Line, p.Column = at.Position.Line, at.Position.Column
	}
	d.problems = append(d.problems, p)
}

// parse makes a tree of the text, or complains. Depth is checked before the parser sees the text: it recurses.
func (d *decoder) parse(b []byte) *ast.File {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	switch {
	case len(b) > MaxSize:
		d.add(nil, "", bad{what: "the file is too large", want: "at most 1 MiB"})
		return nil
	case bytes.Count(b, []byte("\n")) > maxLines:
		d.add(nil, "", bad{what: "the file has too many lines", want: fmt.Sprintf("at most %d", maxLines)})
		return nil
	case !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0:
		d.add(nil, "", bad{what: "this is not text", want: "YAML in UTF-8"})
		return nil
	case deep(b):
		d.add(nil, "", bad{what: "values nest too deep", want: fmt.Sprintf("at most %d levels", maxDepth)})
		return nil
	}
	tree, err := parseYAML(string(b))
	if err == nil {
		return tree
	}
	var syntax *yaml.SyntaxError
	switch {
	case errors.As(err, &syntax) && tabbed(b, syntax.GetToken()):
		d.add(syntax.GetToken(), "", bad{what: "a tab indents this line", want: "spaces"})
	case errors.As(err, &syntax):
		d.add(syntax.GetToken(), "", bad{what: "not YAML: " + syntax.GetMessage()})
	default:
		d.add(nil, "", bad{what: "not YAML"})
	}
	return nil
}

// parseYAML calls the library; its panics on broken text are errors.
func parseYAML(s string) (tree *ast.File, err error) {
	defer func() {
		if recover() != nil {
			tree, err = nil, errors.New("parser gave up")
		}
	}()
	return parser.Parse(lexer.Tokenize(s), 0, parser.AllowDuplicateMapKey())
}

// deep counts opening brackets and list dashes without looking at quotes: an estimate that errs on the safe side
// only for texts that nobody writes into a tenant file.
func deep(b []byte) bool {
	flow := 0
	for line := range bytes.Lines(b) {
		marks := 0
		for i, c := range line {
			switch {
			case c == '[' || c == '{':
				flow++
			case (c == ']' || c == '}') && flow > 0:
				flow--
			case (c == '-' || c == '?') && i+1 < len(line) && line[i+1] == ' ':
				marks++
			case c == '#' && (i == 0 || line[i-1] == ' '):
				marks = 0
			}
			if flow > maxDepth || marks > maxDepth {
				return true
			}
		}
		if len(line)-len(bytes.TrimLeft(line, " ")) > 8*maxDepth {
			return true
		}
	}
	return false
}

func tabbed(b []byte, at *token.Token) bool {
	if at == nil || at.Position == nil {
		return false
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if (n == at.Position.Line || n == at.Position.Line+1) && strings.Contains(indent, "\t") {
			return true
		}
	}
	return false
}

// tenant reads one document.
func (d *decoder) tenant(body ast.Node) Tenant {
	t := Defaults()
	d.places = map[string]*token.Token{}
	d.value("", body.GetToken(), body, valueOf(&t))
	return t
}
