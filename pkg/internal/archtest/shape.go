package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// Sizes that are never exceeded (style.md 19 and the common rules).
const (
	maxLines    = 400
	maxFunction = 80
)

// Shape are the rules about how the source reads.
func Shape() []Rule {
	return []Rule{
		{"every package says what it is", "people read the first line of a package first", packageComments},
		{"every exported name says what to rely on", "a name alone does not tell units, errors and limits", exported},
		{"files are short", "a file is one idea", fileSizes},
		{"functions are short", "a function fits on a screen", functionSizes},
		{"packages have good names", "util says nothing; a folder called vendor is skipped by tools", names},
	}
}

func packageComments(files []File) []Finding {
	said := map[string]bool{}
	first := map[string]File{}
	for _, f := range files {
		if f.Test {
			continue
		}
		if _, ok := first[f.Dir]; !ok {
			first[f.Dir] = f
		}
		start := "Package " + f.Syntax.Name.Name + " "
		if f.Main {
			start = "Command "
		}
		if f.Syntax.Doc != nil && strings.HasPrefix(f.Syntax.Doc.Text(), start) {
			said[f.Dir] = true
		}
	}
	var found []Finding
	for dir, f := range first {
		if !said[dir] {
			found = append(found, Finding{f.Path, 1, "package " + f.Syntax.Name.Name + " has no comment (Package name … or Command name …)"})
		}
	}
	return found
}

func exported(files []File) []Finding {
	var found []Finding
	for _, f := range files {
		if f.Test || f.Main || f.generated() {
			continue
		}
		for _, d := range f.Syntax.Decls {
			switch x := d.(type) {
			case *ast.FuncDecl:
				if x.Name.IsExported() && x.Doc == nil && onExported(x) {
					found = append(found, f.at(x, "func %s has no comment", x.Name.Name))
				}
			case *ast.GenDecl:
				found = append(found, undocumented(f, x)...)
			}
		}
	}
	return found
}

func onExported(x *ast.FuncDecl) bool {
	if x.Recv == nil || len(x.Recv.List) == 0 {
		return true
	}
	t := x.Recv.List[0].Type
	for {
		switch y := t.(type) {
		case *ast.StarExpr:
			t = y.X
		case *ast.IndexExpr:
			t = y.X
		case *ast.Ident:
			return y.IsExported()
		default:
			return false
		}
	}
}

func undocumented(f File, g *ast.GenDecl) []Finding {
	var found []Finding
	for _, s := range g.Specs {
		switch x := s.(type) {
		case *ast.TypeSpec:
			if x.Name.IsExported() && g.Doc == nil && x.Doc == nil {
				found = append(found, f.at(x, "type %s has no comment", x.Name.Name))
			}
		case *ast.ValueSpec:
			if g.Tok != token.IMPORT && x.Names[0].IsExported() && g.Doc == nil && x.Doc == nil && x.Comment == nil {
				found = append(found, f.at(x, "%s has no comment", x.Names[0].Name))
			}
		}
	}
	return found
}

func fileSizes(files []File) []Finding {
	var found []Finding
	for _, f := range files {
		if !f.Test && !f.generated() && f.Lines > maxLines {
			found = append(found, f.at(f.Syntax, "%d lines, want at most %d", f.Lines, maxLines))
		}
	}
	return found
}

// functionSizes lets a function that is one statement, a table, be longer.
func functionSizes(files []File) []Finding {
	return each(files, code, func(f File, n ast.Node) []Finding {
		x, ok := n.(*ast.FuncDecl)
		if !ok || f.generated() || x.Body != nil && len(x.Body.List) == 1 && table(x.Body.List[0]) {
			return nil
		}
		if n := f.set.Position(x.End()).Line - f.line(x) + 1; n > maxFunction {
			return []Finding{f.at(x, "func %s has %d lines, want at most %d", x.Name.Name, n, maxFunction)}
		}
		return nil
	})
}

func table(s ast.Stmt) bool {
	r, ok := s.(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 {
		return false
	}
	_, ok = r.Results[0].(*ast.CompositeLit)
	return ok
}

func names(files []File) []Finding {
	bad := []string{"util", "utils", "common", "helper", "helpers", "models", "type", "types", "misc", "base", "shared", "vendor"}
	var found []Finding
	seen := map[string]bool{}
	for _, f := range files {
		name := strings.TrimSuffix(f.Syntax.Name.Name, "_test")
		if seen[f.Dir+name] {
			continue
		}
		seen[f.Dir+name] = true
		if slices.Contains(bad, name) || slices.Contains(strings.Split(f.Dir, "/"), "vendor") || strings.ToLower(name) != name || strings.Contains(name, "_") {
			found = append(found, f.at(f.Syntax.Name, "package %s", name))
		}
	}
	return found
}
