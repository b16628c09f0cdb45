package guard

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
)

// Node is an element of a decoded document.
type Node struct {
	Space, Local string
	Attr         []xml.Attr
	Text         string // the element's own character data
	Kids         []*Node

	text    []byte
	comment bool
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

// XML decodes exactly one document. charset is what the transport declared, "" when nothing; it must agree with the
// document. DOCTYPE, duplicate attributes, a comment inside a text and anything but space, comments and processing
// instructions around the root are refused. Errors never hold a piece of data.
func XML(data []byte, charset string, l Limits) (*Node, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	d := xmlDecoder{limits: l.withDefaults(), charset: charset}
	data, err := d.recode(data)
	if err != nil {
		return nil, err
	}
	d.dec = xml.NewDecoder(bytes.NewReader(data))
	d.dec.CharsetReader = d.declared
	for {
		token, err := d.dec.RawToken()
		if errors.Is(err, io.EOF) {
			return d.end()
		}
		if err != nil {
			return nil, d.fail(err)
		}
		if err := d.take(token); err != nil {
			return nil, err
		}
	}
}

type xmlDecoder struct {
	dec     *xml.Decoder
	limits  Limits
	charset string
	root    *Node
	open    []*Node
	names   []xml.Name          // raw names of the open elements: prefixes must match at the end tag
	scopes  []map[string]string // namespace prefixes that an open element declares
	items   int
	bad     error // of the charset reader; encoding/xml would hide it
}

func (d *xmlDecoder) fail(err error) error {
	if d.bad != nil {
		return d.bad
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	if s, ok := errors.AsType[*xml.SyntaxError](err); ok {
		if s.Msg == "unexpected EOF" || s.Msg == "unexpected EOF in CDATA section" {
			return ErrCut
		}
		return refuse("not XML at line %d", s.Line)
	}
	return refuse("not XML")
}

func (d *xmlDecoder) end() (*Node, error) {
	if d.root == nil || len(d.open) > 0 {
		return nil, ErrCut
	}
	return d.root, nil
}

func (d *xmlDecoder) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.Directive:
		return refuse("DOCTYPE is not allowed")
	case xml.StartElement:
		return d.start(t)
	case xml.EndElement:
		return d.stop(t)
	case xml.CharData:
		return d.text(t)
	case xml.Comment:
		if len(d.open) > 0 {
			d.open[len(d.open)-1].comment = true
		}
	}
	return nil
}

func (d *xmlDecoder) start(t xml.StartElement) error {
	if d.root != nil && len(d.open) == 0 {
		return refuse("a second root element")
	}
	if d.items++; d.items > d.limits.Items {
		return refuse("more than %d elements", d.limits.Items)
	}
	if len(d.open) >= d.limits.Depth {
		return refuse("nested deeper than %d", d.limits.Depth)
	}
	if len(t.Attr) > d.limits.Attributes {
		return refuse("more than %d attributes in one element", d.limits.Attributes)
	}
	scope, err := d.attributes(t.Attr)
	if err != nil {
		return err
	}
	d.scopes, d.names = append(d.scopes, scope), append(d.names, t.Name)
	n := &Node{Space: d.space(t.Name.Space), Local: t.Name.Local, Attr: slices.Clone(t.Attr)}
	if len(d.open) == 0 {
		d.root = n
	} else {
		up := d.open[len(d.open)-1]
		up.Kids = append(up.Kids, n)
	}
	d.open = append(d.open, n)
	return nil
}

// attributes refuses the same attribute twice and returns the prefixes that the element declares.
func (d *xmlDecoder) attributes(list []xml.Attr) (map[string]string, error) {
	var scope map[string]string
	for i, a := range list {
		if len(a.Value) > d.limits.Text {
			return nil, refuse("attribute longer than %d bytes", d.limits.Text)
		}
		for _, b := range list[:i] {
			if a.Name == b.Name {
				return nil, refuse("the same attribute twice in one element")
			}
		}
		switch {
		case a.Name.Space == "xmlns":
			scope = declare(scope, a.Name.Local, a.Value)
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			scope = declare(scope, "", a.Value)
		}
	}
	return scope, nil
}

func declare(scope map[string]string, prefix, space string) map[string]string {
	if scope == nil {
		scope = map[string]string{}
	}
	scope[prefix] = space
	return scope
}

// space resolves a prefix; an undeclared one stays as it is, as encoding/xml does.
func (d *xmlDecoder) space(prefix string) string {
	for i := len(d.scopes) - 1; i >= 0; i-- {
		if s, ok := d.scopes[i][prefix]; ok {
			return s
		}
	}
	return prefix
}

func (d *xmlDecoder) stop(t xml.EndElement) error {
	last := len(d.open) - 1
	if last < 0 || d.names[last] != t.Name {
		return refuse("an end tag that does not match")
	}
	n := d.open[last]
	if n.comment && len(n.Kids) == 0 && len(n.text) > 0 {
		return refuse("a comment inside a value")
	}
	n.Text, n.text = string(n.text), nil
	d.open, d.names, d.scopes = d.open[:last], d.names[:last], d.scopes[:last]
	return nil
}

func (d *xmlDecoder) text(t xml.CharData) error {
	if len(d.open) == 0 {
		if len(bytes.TrimSpace(t)) > 0 {
			return refuse("text outside the root element")
		}
		return nil
	}
	n := d.open[len(d.open)-1]
	if len(n.text)+len(t) > d.limits.Text {
		return refuse("text longer than %d bytes", d.limits.Text)
	}
	n.text = append(n.text, t...)
	return nil
}
