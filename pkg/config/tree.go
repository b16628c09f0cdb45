package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

type pair struct {
	key  string
	at   *token.Token
	node ast.Node
}

// pairs lists the entries of a mapping; it complains about anything else and about keys that are given twice.
func (d *decoder) pairs(path string, n ast.Node) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.complain(path, bad{want: "a mapping of keys to values", got: kind(n)})
		return nil, false
	}
	var list []pair
	first := map[string]*token.Token{}
	for _, v := range values {
		at := v.Key.GetToken()
		key, plain := scalar(v.Key)
		if !plain || v.Value == nil {
			d.add(at, path, bad{what: "anchors, aliases, merges and tags are not used here", want: "a plain key"})
			continue
		}
		if f, twice := first[key]; twice {
			d.add(at, join(path, key), bad{what: fmt.Sprintf("given twice, first in line %d", f.Position.Line)})
			continue
		}
		first[key] = at
		list = append(list, pair{key, at, v.Value})
	}
	return list, true
}

// scalar is the text of a single value as it stands in the file: 0012 keeps its zeros, 1.2 is not a float.
func scalar(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		if x.Value == nil {
			return "", true
		}
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	}
	return "a single value"
}

// start is where a value begins: for a block mapping that is its first key.
func start(n ast.Node) *token.Token {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return x.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return x.Key.GetToken()
	case *ast.NullNode:
		return nil
	}
	return n.GetToken()
}

type field struct {
	name, need string
	value      reflect.Value
}

type fields []field

// fieldsOf lists the fields of a structure by their keys, those of embedded structures first.
func fieldsOf(v reflect.Value) fields {
	var list fields
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			list = append(list, fieldsOf(v.Field(i))...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		list = append(list, field{name, f.Tag.Get("need"), v.Field(i)})
	}
	return list
}

func (fs fields) get(name string) (field, bool) {
	for _, f := range fs {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func (fs fields) names() []string {
	list := make([]string, len(fs))
	for i, f := range fs {
		list[i] = f.name
	}
	return list
}

// complaints is what a structure uses to check itself after its fields were read.
type complaints struct {
	d    *decoder
	path string
	have map[string]bool // keys that were given
}

func (c *complaints) has(key string) bool { return c.have[key] }

func (c *complaints) self(b bad) { c.d.complain(c.path, b) }

// at complains about one key, at its value when it was given.
func (c *complaints) at(key string, b bad) {
	path := key
	if c.path != "" {
		path = c.path + "." + key
	}
	at := c.d.places[path]
	if at == nil {
		at = c.d.places[c.path]
	}
	c.d.add(at, path, b)
}

// one complains unless exactly one of the keys was given.
func (c *complaints) one(keys ...string) {
	var given []string
	for _, k := range keys {
		if c.has(k) {
			given = append(given, k)
		}
	}
	switch {
	case len(given) == 0:
		c.self(bad{what: "nothing chosen", want: oneOf(keys)})
	case len(given) > 1:
		c.self(bad{want: "exactly one of " + oneOf(keys), got: strings.Join(given, " and ")})
	}
}

func (c *complaints) need(key, what string) {
	if !c.has(key) {
		c.at(key, bad{what: "required: " + what})
	}
}

func (c *complaints) foreign(why string, keys ...string) {
	for _, k := range keys {
		if c.has(k) {
			c.at(k, bad{what: why, want: "the key removed"})
		}
	}
}

// pair complains when only one of two keys that belong together was given.
func (c *complaints) pair(parent, a, b string) {
	_, hasA := c.d.places[join(join(c.path, parent), a)]
	_, hasB := c.d.places[join(join(c.path, parent), b)]
	if hasA == hasB {
		return
	}
	if !hasA {
		a, b = b, a
	}
	c.at(parent, bad{what: a + " without " + b, want: "both or neither"})
}
