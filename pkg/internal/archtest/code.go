package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	deleteName    = regexp.MustCompile(`^(?i:delete|destroy|purge|erase)`)
	deleteRequest = regexp.MustCompile(`^DELETE( +/.*)?$`)
)

// Code are the rules about what stands in the source.
func Code() []Rule {
	return []Rule{
		{"nothing is deleted in Zendesk", "a leaver who is deleted loses his tickets for ever: there is no DELETE request", deleteRequests},
		{"no delete verb towards the target", "what must never happen has no name", deleteVerbs},
		{"vocabulary has no tags", "erp and directory must not know how they are stored or sent", tags},
		{"no init", "code that runs by being imported cannot be ordered, tested or left out", inits},
		{"no mutable package variable", "two instances in one process must not meet (style.md 14)", variables},
		{"environment and exit only at the edge", "a library that reads the environment or exits cannot be tested", edge},
		{"no time.Sleep", "sleeping tests are slow or flaky, sleeping code does not stop: wait on a signal, a channel or a context", sleeps},
		{"no stored or bus method without tenant", "forgetting the tenant must be a compile error", tenants},
	}
}

func selector(n ast.Node, pkg string, names ...string) bool {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg && slices.Contains(names, s.Sel.Name)
}

func text(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// deleteRequests allows the simulators, whose refusal must name the verb, and this package.
func deleteRequests(files []File) []Finding {
	take := func(f File) bool { return !f.Test && !under(f.Dir, "pkg/sim/zendesk", "pkg/internal/archtest") }
	return each(files, take, func(f File, n ast.Node) []Finding {
		if selector(n, "http", "MethodDelete") {
			return []Finding{f.at(n, "http.MethodDelete")}
		}
		if s, ok := text(n); ok && deleteRequest.MatchString(s) {
			return []Finding{f.at(n, "the text %q", s)}
		}
		return nil
	})
}

func deleteVerbs(files []File) []Finding {
	take := func(f File) bool {
		return !f.Test && under(f.Dir, "pkg/target", "pkg/directory", "services/zendesk-writer")
	}
	return each(files, take, func(f File, n ast.Node) []Finding {
		var name *ast.Ident
		switch x := n.(type) {
		case *ast.FuncDecl:
			name = x.Name
		case *ast.Field:
			if _, ok := x.Type.(*ast.FuncType); ok && len(x.Names) == 1 {
				name = x.Names[0]
			}
		case *ast.ValueSpec:
			name = x.Names[0]
		}
		if name != nil && deleteName.MatchString(name.Name) {
			return []Finding{f.at(n, "the name %s", name.Name)}
		}
		return nil
	})
}

func tags(files []File) []Finding {
	take := func(f File) bool { return !f.Test && under(f.Dir, "pkg/erp", "pkg/directory") }
	return each(files, take, func(f File, n ast.Node) []Finding {
		if x, ok := n.(*ast.Field); ok && x.Tag != nil {
			return []Finding{f.at(x, "the tag %s", x.Tag.Value)}
		}
		return nil
	})
}

func inits(files []File) []Finding {
	return each(files, everything, func(f File, n ast.Node) []Finding {
		if x, ok := n.(*ast.FuncDecl); ok && x.Recv == nil && x.Name.Name == "init" {
			return []Finding{f.at(x, "func init")}
		}
		return nil
	})
}

// variables allows what nobody can change in a way that matters: sentinels, compiled patterns, embedded files, checks.
// Package crash stands for the whole process, behind its build tag.
func variables(files []File) []Finding {
	var found []Finding
	for _, f := range files {
		if f.Test || f.generated() || under(f.Dir, "pkg/crash") {
			continue
		}
		for _, d := range f.Syntax.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				if !fixed(v) && !embedded(g, v) {
					found = append(found, f.at(v, "var %s", v.Names[0].Name))
				}
			}
		}
	}
	return found
}

func fixed(v *ast.ValueSpec) bool {
	for i, name := range v.Names {
		if name.Name == "_" {
			continue
		}
		if i >= len(v.Values) {
			return false
		}
		call, ok := v.Values[i].(*ast.CallExpr)
		if !ok || !selector(call.Fun, "errors", "New") && !selector(call.Fun, "fmt", "Errorf") && !selector(call.Fun, "regexp", "MustCompile") {
			return false
		}
	}
	return true
}

func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

// edge allows pkg/crash: its reader of the environment stands behind a build tag and is in no shipped program.
func edge(files []File) []Finding {
	take := func(f File) bool { return !f.support() && !f.Main && !under(f.Dir, "pkg/app", "pkg/crash") }
	return each(files, take, func(f File, n ast.Node) []Finding {
		if selector(n, "os", "Getenv", "LookupEnv", "Environ", "Setenv", "Exit") || selector(n, "log", "Fatal", "Fatalf", "Fatalln") {
			return []Finding{f.at(n, "%s.%s", n.(*ast.SelectorExpr).X, n.(*ast.SelectorExpr).Sel.Name)}
		}
		return nil
	})
}

// sleeps allows what is written inside a synctest bubble: there a sleep takes no time.
func sleeps(files []File) []Finding {
	var found []Finding
	for _, f := range files {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && selector(call.Fun, "synctest", "Test", "Run") {
				return false
			}
			if n != nil && selector(n, "time", "Sleep") {
				found = append(found, f.at(n, "time.Sleep outside a synctest bubble"))
			}
			return true
		})
	}
	return found
}

// tenants looks at the contracts. A method that belongs to something that a tenant's call returned has its tenant.
func tenants(files []File) []Finding {
	take := func(f File) bool {
		return !f.Test && slices.Contains([]string{"pkg/bus", "pkg/store", "pkg/source", "pkg/target", "pkg/vault"}, f.Dir)
	}
	bound := []string{"Puller", "Delivery", "Journal@pkg/target"}
	free := []string{"TenantIDs", "SealedTenants", "Ping", "Close", "KeyCheck", "HoldKeys", "EndKeys", "KeyHolders", "PutKeyCheck", "ReplaceKeyCheck", "Healthy", "CallLife"}
	return each(files, take, func(f File, n ast.Node) []Finding {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || slices.Contains(bound, spec.Name.Name) || slices.Contains(bound, spec.Name.Name+"@"+f.Dir) {
			return nil
		}
		contract, ok := spec.Type.(*ast.InterfaceType)
		if !ok {
			return nil
		}
		var found []Finding
		for _, m := range contract.Methods.List {
			fn, ok := m.Type.(*ast.FuncType)
			if !ok || len(m.Names) == 0 || slices.Contains(free, m.Names[0].Name) {
				continue
			}
			if !takesTenant(fn) {
				found = append(found, f.at(m, "%s.%s does not take tenant.ID behind the context", spec.Name.Name, m.Names[0].Name))
			}
		}
		return found
	})
}

func takesTenant(fn *ast.FuncType) bool {
	var types []ast.Expr
	for _, p := range fn.Params.List {
		for range max(1, len(p.Names)) {
			types = append(types, p.Type)
		}
	}
	return len(types) >= 2 && selector(types[0], "context", "Context") && selector(types[1], "tenant", "ID")
}
