package guard

import (
	"bytes"
	"encoding/xml"
	"regexp"
)

// Node is an element of a decoded document.
type Node struct {
	Space, Local string
	Attr         []xml.Attr
	Text         string // the element's own character data
	Kids         []*Node

	text []byte
}

// Value returns the attribute with the local name, or "".
func (n *Node) Value(local string) string {
	for _, a := range n.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// Find returns every element below n, and n itself, with the local name, in document order.
func (n *Node) Find(local string) []*Node {
	var found []*Node
	if n.Local == local {
		found = append(found, n)
	}
	for _, k := range n.Kids {
		found = append(found, k.Find(local)...)
	}
	return found
}

var newer = regexp.MustCompile(`^\s*<\?xml\s+version\s*=\s*["']1\.1`)

// XML decodes exactly one document into a tree, with the same Reader that streams. charset is what the transport
// declared, "" when nothing; it must agree with the document. DOCTYPE, duplicate attributes, a comment inside a text and
// anything but space, comments and processing instructions around the root are refused. Errors never hold a piece of
// data.
func XML(data []byte, charset string, l Limits) (*Node, error) {
	if newer.Match(data[:min(len(data), 128)]) {
		return nil, refuse("XML 1.1 is not allowed")
	}
	in, agree, err := UTF8(bytes.NewReader(data), charset)
	if err != nil {
		return nil, err
	}
	if !agree {
		return nil, refuse("the declared character sets disagree")
	}
	t := tree{r: NewReader(in, l), limit: l.withDefaults().Text}
	for {
		token, err := t.r.Next()
		if err != nil {
			return nil, err
		}
		if token == Done {
			return t.root, nil
		}
		if err := t.take(token); err != nil {
			return nil, err
		}
	}
}

// tree collects the tokens of a Reader.
type tree struct {
	r      *Reader
	limit  int // bytes of an element's text
	root   *Node
	open   []*Node
	scopes []map[string]string // namespace prefixes that an open element declares
}

func (t *tree) take(token Token) error {
	switch token {
	case Start:
		t.start()
	case Text:
		if len(t.open) == 0 { // space around the root; anything else the Reader refuses
			return nil
		}
		n := t.open[len(t.open)-1]
		if n.text = append(n.text, t.r.Text()...); len(n.text) > t.limit {
			return refuse("text longer than %d bytes", t.limit)
		}
	case End:
		n := t.open[len(t.open)-1]
		n.Text, n.text = string(n.text), nil
		t.open, t.scopes = t.open[:len(t.open)-1], t.scopes[:len(t.scopes)-1]
	}
	return nil
}

func (t *tree) start() {
	n := &Node{}
	var scope map[string]string
	for _, a := range t.r.Attrs() {
		name := split(a.Name)
		n.Attr = append(n.Attr, xml.Attr{Name: name, Value: string(a.Value)})
		switch {
		case name.Space == "xmlns":
			scope = declare(scope, name.Local, string(a.Value))
		case name.Space == "" && name.Local == "xmlns":
			scope = declare(scope, "", string(a.Value))
		}
	}
	t.scopes = append(t.scopes, scope)
	name := split(t.r.name)
	n.Space, n.Local = t.space(name.Space), name.Local
	if len(t.open) == 0 {
		t.root = n
	} else {
		up := t.open[len(t.open)-1]
		up.Kids = append(up.Kids, n)
	}
	t.open = append(t.open, n)
}

// split parts a raw name at its last colon.
func split(raw []byte) xml.Name {
	if i := bytes.LastIndexByte(raw, ':'); i >= 0 {
		return xml.Name{Space: string(raw[:i]), Local: string(raw[i+1:])}
	}
	return xml.Name{Local: string(raw)}
}

func declare(scope map[string]string, prefix, space string) map[string]string {
	if scope == nil {
		scope = map[string]string{}
	}
	scope[prefix] = space
	return scope
}

// space resolves a prefix; an undeclared one stays as it is, as encoding/xml does.
func (t *tree) space(prefix string) string {
	for i := len(t.scopes) - 1; i >= 0; i-- {
		if s, ok := t.scopes[i][prefix]; ok {
			return s
		}
	}
	return prefix
}
