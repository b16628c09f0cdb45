package ib

import (
	"bufio"
	"errors"
	"io"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

const srcNotData = fault.SourceNotData

// section is one content section, opened as far as its root element.
type section struct {
	root string
	xml  *guard.Reader // behind the root's start tag; nil with JSON
	own  bool          // the reader holds nothing else: it must end behind the root
	json any
	rest func() error // proves the end of what the section was wrapped in; may be nil
}

// sections gives one section after the other; nil at the proven end of the message. A section must be read to its end
// before the next is asked for.
type sections func() (*section, error)

func once(s *section) sections {
	return func() (*section, error) {
		first := s
		s = nil
		return first, nil
	}
}

// single opens content that stands for itself: XML, JSON, or one of both in a bare CDATA section.
func (m *Message) single(text io.Reader, depth int) (*section, error) {
	b := bufio.NewReaderSize(text, 4<<10)
	first, err := begin(b)
	switch {
	case err != nil:
		return nil, err
	case len(first) == 0:
		return nil, invalid(srcNotData, "the content is empty")
	case first[0] == '{' || first[0] == '[':
		return m.singleJSON(b)
	case first[0] != '<':
		return nil, notData()
	case bareCDATA(first) && depth == 0:
		return m.wrapped(b)
	}
	r := guard.NewReader(b, m.opts.Limits.guard())
	root, err := rootOf(r)
	if err != nil {
		return nil, err
	}
	return &section{root: root, xml: r, own: true}, nil
}

// wrapped opens F3.
func (m *Message) wrapped(b io.Reader) (*section, error) {
	f := guard.Fragment(b, m.opts.Limits.guard())
	text, err := f.Characters()
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, invalid(srcNotData, "the CDATA section is empty")
	}
	s, err := m.single(text, 1)
	if err != nil {
		return nil, err
	}
	s.rest = func() error {
		_, err := f.Next()
		return err
	}
	return s, nil
}

func (m *Message) singleJSON(b io.Reader) (*section, error) {
	data, err := io.ReadAll(&capped{b, m.opts.Limits.JSON})
	if err != nil {
		return nil, &guard.ReadError{Err: err}
	}
	if m.Chunks > 1 {
		return nil, invalid(srcNotData, "a segment of a message that is not a rowset")
	}
	v, err := guard.JSON(data, guard.Limits{Depth: m.opts.Limits.Depth, Text: m.opts.Limits.Text})
	if err != nil {
		return nil, err
	}
	s := &section{json: v}
	if object, ok := v.(map[string]any); ok && len(object) == 1 {
		for name, inner := range object {
			if _, nested := inner.(map[string]any); nested {
				s.root, s.json = name, inner
			}
		}
	}
	return s, nil
}

// finish proves the end of a section whose rows were read.
func (s *section) finish() error {
	for s.xml != nil && s.own {
		t, err := s.xml.Next()
		if err != nil {
			return err
		}
		if t == guard.Done {
			break
		}
	}
	if s.rest != nil {
		return s.rest()
	}
	return nil
}

// drain reads a document to its proven end.
func drain(r *guard.Reader) error {
	for {
		if t, err := r.Next(); err != nil || t == guard.Done {
			return err
		}
	}
}

var errMixed = errors.New("text and elements in one content section")
