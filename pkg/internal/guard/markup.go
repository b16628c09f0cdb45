package guard

import (
	"bytes"
	"unicode/utf8"
)

// markup looks at a '<': true when it begins a tag; comments, instructions and the begin of CDATA are read over.
func (r *Reader) markup() (tag bool, err error) {
	if err := r.fill(2); err != nil {
		return false, err
	}
	if r.end-r.at < 2 {
		return false, ErrCut
	}
	switch r.buf[r.at+1] {
	case '?':
		r.at += 2
		return false, r.until("?>")
	case '!':
		return false, r.bang()
	}
	return true, nil
}

func (r *Reader) bang() error {
	const cdata, comment = "<![CDATA[", "<!--"
	if err := r.fill(len(cdata)); err != nil {
		return err
	}
	have := r.buf[r.at:min(r.end, r.at+len(cdata))]
	switch {
	case string(have) == cdata:
		if len(r.open) == 0 && !r.fragment {
			return refuse("text outside the root element")
		}
		r.at, r.cdata = r.at+len(cdata), true
		return nil
	case bytes.HasPrefix(have, []byte(comment)):
		if len(r.open) > 0 {
			r.open[len(r.open)-1].comment = true
		}
		r.at += len(comment)
		return r.until("-->")
	case r.eof && len(have) < len(cdata) && (cdata[:len(have)] == string(have) || len(have) < len(comment) && comment[:len(have)] == string(have)):
		return ErrCut
	}
	return refuse("DOCTYPE is not allowed")
}

// until reads over everything up to and with mark, which has at least two bytes.
func (r *Reader) until(mark string) error {
	for {
		if err := r.fill(len(mark)); err != nil {
			return err
		}
		if r.end-r.at < len(mark) {
			return ErrCut
		}
		if i := bytes.Index(r.buf[r.at:r.end], []byte(mark)); i >= 0 {
			r.at += i + len(mark)
			return nil
		}
		r.at = r.end - len(mark) + 1
	}
}

// endCDATA looks at a ']' in a CDATA section: true when the section ends; else the bracket is text and read.
func (r *Reader) endCDATA() (bool, error) {
	if err := r.fill(3); err != nil {
		return false, err
	}
	if r.end-r.at < 3 {
		return false, ErrCut
	}
	if string(r.buf[r.at:r.at+3]) == "]]>" {
		r.at, r.cdata = r.at+3, false
		return true, nil
	}
	r.at++
	return false, nil
}

// tagEnd makes the whole tag at r.at available and returns the index of its '>' behind r.at.
func (r *Reader) tagEnd() (int, error) {
	i, quote := 1, byte(0)
	for {
		for ; r.at+i < r.end; i++ {
			switch c := r.buf[r.at+i]; {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '>':
				return i, nil
			case c == '"' || c == '\'':
				quote = c
			case c == '<':
				return 0, refuse("a tag inside a tag")
			}
		}
		if err := r.fill(i + 1); err != nil {
			return 0, err
		}
		if r.end-r.at <= i {
			return 0, ErrCut
		}
	}
}

func (r *Reader) startTag() error {
	n, err := r.tagEnd()
	if err != nil {
		return err
	}
	tag := r.buf[r.at+1 : r.at+n]
	r.at += n + 1
	if r.empty = len(tag) > 0 && tag[len(tag)-1] == '/'; r.empty {
		tag = tag[:len(tag)-1]
	}
	size := nameSize(tag)
	if err := r.mayOpen(tag[:size]); err != nil {
		return err
	}
	r.open = append(r.open, frame{name: len(r.names)})
	r.names = append(r.names, tag[:size]...)
	r.name = r.names[r.open[len(r.open)-1].name:]
	if r.attrs = r.attrs[:0]; size == len(tag) {
		return nil
	}
	return r.attributes(tag[size:])
}

// mayOpen refuses an element before anything is kept of it.
func (r *Reader) mayOpen(name []byte) error {
	if !goodName(name) {
		return refuse("a tag without a name")
	}
	if len(name) > 256 {
		return refuse("a name longer than 256 bytes")
	}
	if len(r.open) == 0 {
		if r.root {
			return refuse("a second root element")
		}
		r.root = true
	} else {
		r.open[len(r.open)-1].kids = true
	}
	return r.count(len(r.open))
}

func (r *Reader) count(depth int) error {
	if r.items++; r.items > r.limits.Items {
		return refuse("more than %d elements", r.limits.Items)
	}
	if depth >= r.limits.Depth {
		return refuse("nested deeper than %d", r.limits.Depth)
	}
	return nil
}

func (r *Reader) endTag() error {
	n, err := r.tagEnd()
	if err != nil {
		return err
	}
	tag := r.buf[r.at+2 : r.at+n]
	for len(tag) > 0 && space(tag[len(tag)-1]) {
		tag = tag[:len(tag)-1]
	}
	r.at += n + 1
	if len(r.open) == 0 || string(r.names[r.open[len(r.open)-1].name:]) != string(tag) {
		return refuse("an end tag that does not match")
	}
	if f := r.open[len(r.open)-1]; f.comment && f.text && !f.kids {
		return refuse("a comment inside a value")
	}
	r.pop()
	return nil
}

func (r *Reader) pop() {
	last := r.open[len(r.open)-1]
	r.name, r.names, r.open = r.names[last.name:], r.names[:last.name], r.open[:len(r.open)-1]
}

// attributes reads ` a="b" c='d' `.
func (r *Reader) attributes(tag []byte) error {
	for {
		tag = behindSpace(tag)
		if len(tag) == 0 {
			return nil
		}
		if len(r.attrs) >= r.limits.Attributes {
			return refuse("more than %d attributes in one element", r.limits.Attributes)
		}
		size := nameSize(tag)
		name := tag[:size]
		rest := behindSpace(tag[size:])
		if !goodName(name) || len(rest) == 0 || rest[0] != '=' {
			return refuse("an attribute that is not one")
		}
		value, rest, err := r.attribute(behindSpace(rest[1:]))
		if err != nil {
			return err
		}
		for _, a := range r.attrs {
			if string(a.Name) == string(name) {
				return refuse("the same attribute twice in one element")
			}
		}
		r.attrs, tag = append(r.attrs, Attr{name, value}), rest
	}
}

func (r *Reader) attribute(tag []byte) (value, rest []byte, err error) {
	if len(tag) < 2 || tag[0] != '"' && tag[0] != '\'' {
		return nil, nil, refuse("an attribute that is not one")
	}
	i := bytes.IndexByte(tag[1:], tag[0])
	if i < 0 {
		return nil, nil, refuse("an attribute that is not one")
	}
	value, rest = tag[1:1+i], tag[2+i:]
	if len(value) > r.limits.Text {
		return nil, nil, refuse("attribute longer than %d bytes", r.limits.Text)
	}
	if bytes.IndexByte(value, '<') >= 0 {
		return nil, nil, refuse("an attribute that is not one")
	}
	value, err = r.unescape(value)
	return value, rest, err
}

// unescape decodes the references of an attribute.
func (r *Reader) unescape(value []byte) ([]byte, error) {
	if !utf8.Valid(value) {
		return nil, ErrText
	}
	i := bytes.IndexFunc(value, func(c rune) bool { return c == '&' || c < ' ' })
	if i < 0 {
		return value, nil
	}
	out := bytes.Clone(value[:i])
	for ; i < len(value); i++ {
		switch c := value[i]; {
		case c == '&':
			n := bytes.IndexByte(value[i:], ';')
			if n < 0 {
				return nil, refuse("an entity that is not one")
			}
			c, err := reference(value[i+1 : i+n])
			if err != nil {
				return nil, err
			}
			i += n
			out = r.allowed(out, c)
		case c == '\r':
			if i+1 == len(value) || value[i+1] != '\n' {
				out = append(out, '\n')
			}
		case c < ' ':
			out = r.allowed(out, rune(c))
		default:
			out = append(out, c)
		}
	}
	return out, nil
}

// allowed appends c unless it is a control character.
func (r *Reader) allowed(out []byte, c rune) []byte {
	if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
		r.stripped++
		return out
	}
	return utf8.AppendRune(out, c)
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// behindSpace is bytes.TrimLeft for what stands in a tag; building its set costs more than the tag.
func behindSpace(tag []byte) []byte {
	for len(tag) > 0 && space(tag[0]) {
		tag = tag[1:]
	}
	return tag
}

// nameSize is the length of the name at the start of tag.
func nameSize(tag []byte) int {
	for i, c := range tag {
		if space(c) || c == '=' || c == '/' {
			return i
		}
	}
	return len(tag)
}

// goodName accepts what XML accepts in ASCII, with at most one colon, and any letter-like thing beyond it.
func goodName(name []byte) bool {
	if len(name) == 0 || name[len(name)-1] == ':' {
		return false
	}
	wide, begin, colons := false, true, 0
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case c >= 0x80:
			wide = true
		case begin:
			return false
		case c == ':':
			colons++
			begin = true
			continue
		case c >= '0' && c <= '9', c == '-', c == '.':
		default:
			return false
		}
		begin = false
	}
	return colons <= 1 && (!wide || utf8.Valid(name))
}
