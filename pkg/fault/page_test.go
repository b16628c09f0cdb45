package fault_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

var update = flag.Bool("update", false, "write docs/reference/errors.md")

const intro = `# Error codes

<!-- Generated from pkg/fault: go test ./fault -run TestErrorsPageIsCurrent -update -->

Every failure, flag and hold has a code. Codes are stable: they are never renamed, and an alert or a script may rely on
them. The same code stands in the log, in the audit trail, on the console and in ` + "`ml-connector check`" + `.
`

type codeDoc struct {
	section string
	code    fault.Code
	meaning string
}

// codes reads the constants with their comments from the source: the page and the code cannot drift apart.
func codes(t *testing.T) []codeDoc {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	source := regexp.MustCompile(` \([a-z]+\.md [0-9.]+\)`)
	var list []codeDoc
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		section := strings.TrimSuffix(strings.TrimSpace(source.ReplaceAllString(g.Doc.Text(), "")), ".")
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, codeDoc{section, fault.Code(code), strings.TrimSpace(v.Comment.Text())})
		}
	}
	return list
}

func page(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(intro)
	section := ""
	for _, c := range codes(t) {
		if c.section != section {
			section = c.section
			fmt.Fprintf(&b, "\n## %s\n", section)
		}
		fmt.Fprintf(&b, "\n### %s\n\n", c.code)
		if c.meaning != "" {
			fmt.Fprintf(&b, "%s.\n\n", sentence(c.meaning))
		}
		fmt.Fprintf(&b, "What to do: %s.\n", c.code.Next())
	}
	return b.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func TestErrorsPageIsCurrent(t *testing.T) {
	const name = "../../docs/reference/errors.md"
	want := page(t)
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatal("docs/reference/errors.md is not current: go test ./fault -run TestErrorsPageIsCurrent -update")
	}
}

// TestEveryConstantHasAdviceAndItsShape: no code without advice, no advice without a code, no code twice.
func TestEveryConstantHasAdviceAndItsShape(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,39}$`)
	var declared []fault.Code
	for _, c := range codes(t) {
		if !shape.MatchString(string(c.code)) {
			t.Errorf("code %q: want capitals, digits and _", c.code)
		}
		if slices.Contains(declared, c.code) {
			t.Errorf("code %s stands for two things", c.code)
		}
		declared = append(declared, c.code)
	}
	advised := fault.Codes()
	slices.Sort(declared)
	slices.Sort(advised)
	if !slices.Equal(declared, advised) {
		t.Errorf("declared and advised differ:\n%v\n%v", declared, advised)
	}
}
