package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

func valueOf[T any](p *T) reflect.Value { return reflect.ValueOf(p).Elem() }

// value reads n into v, by the type of v. at is where a complaint about a missing or wrong value points to.
func (d *decoder) value(path string, at *token.Token, n ast.Node, v reflect.Value) {
	d.places[path] = at
	if tk := start(n); tk != nil {
		d.places[path] = tk
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.complain(path, bad{what: "anchors, aliases, merges and tags are not used here", want: "the value itself"})
		return
	}
	if v.Kind() == reflect.Pointer {
		d.pointer(path, at, n, v)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(path, n, u)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(path, n, v)
	case reflect.Map:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		d.number(path, n, v)
	}
}

func (d *decoder) complain(path string, b bad) { d.add(d.places[path], path, b) }

func (d *decoder) pointer(path string, at *token.Token, n ast.Node, v reflect.Value) {
	p := reflect.New(v.Type().Elem())
	if x, ok := p.Interface().(interface{ defaults() }); ok {
		x.defaults()
	}
	d.value(path, at, n, p.Elem())
	v.Set(p)
}

func (d *decoder) text(path string, n ast.Node, to encoding.TextUnmarshaler) {
	s, ok := scalar(n)
	if !ok {
		d.complain(path, bad{want: "a single value", got: kind(n)})
		return
	}
	if err := to.UnmarshalText([]byte(s)); err != nil {
		d.complain(path, asBad(err))
	}
}

func asBad(err error) bad {
	if b, ok := err.(bad); ok { //nolint:errorlint // our own types return it bare
		return b
	}
	return bad{what: "not readable"}
}

// structure reads a mapping whose keys are the fields of v, then lets v check itself.
func (d *decoder) structure(path string, n ast.Node, v reflect.Value) {
	pairs, ok := d.pairs(path, n)
	if !ok {
		return
	}
	fields := fieldsOf(v)
	have := map[string]bool{}
	for _, p := range pairs {
		f, known := fields.get(p.key)
		if !known {
			d.add(p.at, join(path, p.key), bad{what: "unknown key", want: oneOf(fields.names()), hint: nearest(p.key, fields.names())})
			continue
		}
		if p.node.Type() == ast.NullType {
			continue
		}
		have[p.key] = true
		d.value(join(path, p.key), p.at, p.node, f.value)
	}
	for _, f := range fields {
		if f.need != "" && !have[f.name] {
			d.add(d.places[path], join(path, f.name), bad{what: "required: " + f.need})
		}
	}
	if x, ok := v.Addr().Interface().(interface{ check(c *complaints) }); ok {
		x.check(&complaints{d, path, have})
	}
}

// mapping reads a mapping with free keys; what it reads replaces the default as a whole.
func (d *decoder) mapping(path string, n ast.Node, v reflect.Value) {
	pairs, ok := d.pairs(path, n)
	if !ok {
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), len(pairs))
	for _, p := range pairs {
		k, e := reflect.New(v.Type().Key()), reflect.New(v.Type().Elem())
		if err := k.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(p.key)); err != nil {
			b := asBad(err)
			b.what = "bad key"
			d.add(p.at, join(path, p.key), b)
			continue
		}
		d.value(join(path, p.key), p.at, p.node, e.Elem())
		m.SetMapIndex(k.Elem(), e.Elem())
	}
	v.Set(m)
}

// list reads a list of at least one entry; it replaces the default as a whole.
func (d *decoder) list(path string, n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.complain(path, bad{want: "a list such as [a, b]", got: kind(n)})
		return
	}
	if len(seq.Values) == 0 {
		d.complain(path, bad{what: "the list is empty", want: "at least one entry, or leave the key out for the default"})
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(seq.Values))
	seen := map[any]bool{}
	for i, e := range seq.Values {
		entry, at := reflect.New(v.Type().Elem()).Elem(), fmt.Sprintf("%s[%d]", path, i)
		before := len(d.problems)
		d.value(at, seq.Start, e, entry)
		if len(d.problems) == before && seen[entry.Interface()] {
			d.complain(at, bad{what: "given twice: " + show(entry.Interface())})
		}
		seen[entry.Interface()] = true
		out = reflect.Append(out, entry)
	}
	v.Set(out)
}

func (d *decoder) number(path string, n ast.Node, v reflect.Value) {
	s, _ := scalar(n)
	got := kind(n)
	if s != "" {
		got = show(s)
	}
	switch x := n.(type) {
	case *ast.BoolNode:
		if v.Kind() == reflect.Bool {
			v.SetBool(x.Value)
			return
		}
	case *ast.IntegerNode:
		if i, ok := whole(x); ok && v.Kind() == reflect.Int {
			v.SetInt(i)
			return
		} else if ok && v.Kind() == reflect.Float64 {
			v.SetFloat(float64(i))
			return
		}
	case *ast.FloatNode:
		if v.Kind() == reflect.Float64 {
			v.SetFloat(x.Value)
			return
		}
	}
	d.complain(path, bad{want: map[reflect.Kind]string{reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Float64: "a number"}[v.Kind()], got: got})
}

func whole(n *ast.IntegerNode) (int64, bool) {
	switch i := n.Value.(type) {
	case int64:
		return i, true
	case uint64:
		return int64(i), i < 1<<31 //nolint:gosec // bounded on the same line
	}
	return 0, false
}

func join(path, key string) string {
	if key = printableKey(key); path == "" {
		return key
	}
	return path + "." + key
}

func printableKey(key string) string {
	if len(key) > 60 || !printable(key) || strings.ContainsAny(key, " :") {
		return show(key)
	}
	return key
}
