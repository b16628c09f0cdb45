package ib

import (
	"bytes"
	"io"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// openRequest reads an IBRequest (F5) whose root has started.
func (m *Message) openRequest(r *guard.Reader, names stated) error {
	w := &walker{m: m, r: r, names: &names}
	next := func() (*section, error) {
		s, err := w.data()
		if s == nil && err == nil && m.Ping {
			return nil, nil
		}
		return s, err
	}
	first, err := next()
	if err != nil {
		return err
	}
	if first == nil {
		return m.begin(once(nil), names)
	}
	if m.Ping {
		return drain(r)
	}
	taken := false
	return m.begin(func() (*section, error) {
		if !taken {
			taken = true
			return first, nil
		}
		return next()
	}, names)
}

// walker reads the leaves of an IBRequest or an IBInfo into the message.
type walker struct {
	m     *Message
	r     *guard.Reader
	names *stated
	leaf  string
	text  string
	count int
}

// data moves on to the content of the next Data element; nil at the proven end.
func (w *walker) data() (*section, error) {
	for {
		t, err := w.r.Next()
		switch {
		case err != nil:
			return nil, err
		case t == guard.Done:
			return nil, nil
		case t == guard.Text:
			w.text = strings.TrimSpace(string(w.r.Text()))
		case t == guard.Start:
			if w.leaf, w.text = string(w.r.Name()), ""; w.leaf != "Data" {
				continue
			}
			if s, err := w.content(); s != nil || err != nil {
				return s, err
			}
		case w.leaf == string(w.r.Name()):
			w.m.take(w.leaf, w.text, w.names)
			w.leaf = ""
		}
	}
}

// content opens a Data element that just started: text, escaped or in CDATA, or elements; nil when it is empty.
func (w *walker) content() (*section, error) {
	if w.count++; w.count > w.m.opts.Limits.Sections {
		return nil, tooLarge("more content sections than are accepted")
	}
	w.leaf = ""
	text, err := w.r.Characters()
	if err != nil {
		return nil, err
	}
	if text != nil {
		return w.nested(text)
	}
	t, err := w.r.Next()
	if err != nil || t != guard.Start {
		return nil, err
	}
	return &section{root: string(w.r.Name()), xml: w.r}, nil
}

// nested opens content that is text in the envelope; it may be packed once more.
func (w *walker) nested(text io.Reader) (*section, error) {
	b, packed, err := unpack(text, "", w.m.opts.Limits)
	if err != nil {
		return nil, err
	}
	var in io.Reader = b
	if packed {
		w.m.Packed = true
		if in, _, err = guard.UTF8(b, ""); err != nil {
			return nil, err
		}
	}
	s, err := w.m.single(in, 0)
	if err != nil {
		return nil, err
	}
	rest := s.rest
	s.rest = func() error {
		if rest != nil {
			if err := rest(); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, text); err != nil {
			return err
		}
		t, err := w.r.Next()
		if err == nil && t != guard.End {
			return errMixed
		}
		return err
	}
	return s, nil
}

// take puts one value of the envelope where it belongs. What an HTTP header said holds.
func (m *Message) take(name, value string, names *stated) {
	if value == "" {
		return
	}
	set := func(p *string) {
		if *p == "" {
			*p = value
		}
	}
	switch name {
	case "ExternalOperationName", "OperationName":
		set(&names.envelope)
	case "MessageName":
		set(&names.legacy)
	case "OperationType":
		m.operation(value)
	case "RequestingNode":
		set(&m.From)
	case "DestinationNode", "FinalDestination":
		set(&m.To)
	case "OrigUser":
		set(&m.User)
	case "OrigTimeStamp":
		set(&m.Sent)
	case "TransactionID", "ExternalMessageID":
		set(&m.Transaction)
		m.Ping = m.Ping || strings.EqualFold(value, "PING_NODE")
	case "Password":
		if !m.Password.IsSet() {
			m.Password = secret.New(value)
		}
	}
}

// info reads an IBInfo document (F6).
func (m *Message) info(data []byte, names *stated) error {
	r := guard.NewReader(bytes.NewReader(data), m.opts.Limits.guard())
	if _, err := rootOf(r); err != nil {
		return err
	}
	w := &walker{m: m, r: r, names: names}
	for {
		s, err := w.data()
		if err != nil || s == nil {
			return err
		}
		if err := s.finish(); err != nil {
			return err
		}
	}
}
