package guard

import (
	"bytes"
	"errors"
	"io"
)

// Token is what Reader.Next found.
type Token int

// The tokens. Done comes once, at the proven end of the document.
const (
	Done Token = iota
	Start
	End
	Text
)

// Attr is an attribute of a start tag; both parts are valid until the next call of Next.
type Attr struct{ Name, Value []byte }

// frame is an open element: where its name begins in Reader.names, and what it holds.
type frame struct {
	name                int
	kids, text, comment bool
}

// Reader reads one XML document in UTF-8 as a stream (see UTF8 for others), in memory that depends on the limits and
// never on the document. It refuses what XML refuses: DOCTYPE, unbounded depth, elements, attributes and text,
// duplicate attributes, a comment inside a value, a second root, text around the root, invalid UTF-8. Control
// characters that XML forbids are dropped and counted. It exists because encoding/xml costs twenty times as much
// (performance.md 1) and holds a whole tag of any size. It is not for concurrent use.
type Reader struct {
	in       io.Reader
	buf      []byte
	at, end  int
	eof      bool
	limits   Limits
	fragment bool // text may stand at the top (Fragment)

	open     []frame
	names    []byte // raw names of the open elements
	name     []byte // of the last Start or End
	attrs    []Attr
	text     []byte
	joined   []byte // room for texts that are not one piece of buf
	scratch  [8]byte
	empty    bool // the last start tag was <a/>
	cdata    bool // inside a CDATA section
	root     bool
	items    int
	stripped int
	err      error
}

// NewReader reads the document in r.
func NewReader(r io.Reader, l Limits) *Reader {
	return &Reader{in: r, limits: l.withDefaults(), buf: make([]byte, 8<<10)}
}

// Fragment reads a document that may consist of text or CDATA alone, which is not well-formed XML: the form F3 of
// peoplesoft.md 1.2.
func Fragment(r io.Reader, l Limits) *Reader {
	f := NewReader(r, l)
	f.fragment, f.root = true, true
	return f
}

// Name is the local name of the last Start or End, valid until the next call of Next.
func (r *Reader) Name() []byte {
	if i := bytes.LastIndexByte(r.name, ':'); i >= 0 {
		return r.name[i+1:]
	}
	return r.name
}

// Attrs are the attributes of the last Start, namespace declarations among them.
func (r *Reader) Attrs() []Attr { return r.attrs }

// Attr is the value of the attribute with the local name, or nil.
func (r *Reader) Attr(local string) []byte {
	for _, a := range r.attrs {
		name := a.Name
		if i := bytes.LastIndexByte(name, ':'); i >= 0 {
			name = name[i+1:]
		}
		if string(name) == local {
			return a.Value
		}
	}
	return nil
}

// Text is the character data of the last Text token, complete between two tags, valid until the next call of Next.
func (r *Reader) Text() []byte { return r.text }

// Depth is the number of open elements: 1 at the Start of the root.
func (r *Reader) Depth() int { return len(r.open) }

// Stripped counts the control characters that were dropped.
func (r *Reader) Stripped() int { return r.stripped }

// Next moves to the next token. After an error it returns the same error. ErrCut means that the document ends early;
// an error of the underlying reader is wrapped; every other error is a refusal and never holds a piece of data.
func (r *Reader) Next() (Token, error) {
	if r.err != nil {
		return Done, r.err
	}
	t, err := r.next()
	if err != nil {
		r.err = err
	}
	return t, err
}

func (r *Reader) next() (Token, error) {
	if r.empty {
		r.empty = false
		r.pop()
		return End, nil
	}
	found, err := r.collect()
	switch {
	case err != nil:
		return Done, err
	case found:
		return Text, nil
	case r.at == r.end: // collect read as far as there was anything
		return Done, r.finish()
	case r.buf[r.at+1] == '/':
		return End, r.endTag()
	}
	return Start, r.startTag()
}

// finish proves that the document may end here.
func (r *Reader) finish() error {
	if len(r.open) > 0 || !r.root || r.cdata {
		return ErrCut
	}
	return nil
}

// Skip reads over the content of the element that just started, up to and with its end tag. It proves that the
// content is balanced and complete, and does not look at names, attributes and texts.
func (r *Reader) Skip() error {
	if r.err == nil && r.empty {
		r.empty = false
		r.pop()
	} else if r.err == nil {
		r.err = r.skim()
	}
	return r.err
}

// fill makes at least n unread bytes available, or fewer at the end of the input.
func (r *Reader) fill(n int) error {
	for r.end-r.at < n && !r.eof {
		if r.at > 0 {
			copy(r.buf, r.buf[r.at:r.end])
			r.at, r.end = 0, r.end-r.at
		}
		if r.end == len(r.buf) {
			if len(r.buf) > 2*r.limits.Text+64<<10 {
				return refuse("tag longer than %d bytes", len(r.buf))
			}
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
		got, err := r.in.Read(r.buf[r.end:])
		r.end += got
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			r.eof = true
		} else if err != nil {
			return &ReadError{err}
		}
	}
	return nil
}

// ReadError says that the input could not be read, in contrast to what it holds.
type ReadError struct{ Err error }

// Error names the cause.
func (e *ReadError) Error() string { return "read: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *ReadError) Unwrap() error { return e.Err }
