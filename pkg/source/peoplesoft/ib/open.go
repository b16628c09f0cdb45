package ib

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

// Open reads a delivery as far as its envelope and the root element of its content. Errors are *fault.Error: Invalid
// with BAD_ENVELOPE, TOO_LARGE, BAD_TEXT or SRC_NOT_DATA, or Transient with SRC_TRUNCATED when the body ends early or
// could not be read. An IBRequest is expected to have From and To before its ContentSections, as PeopleSoft writes
// it: what stands behind them is known only after Each. With an error, the message holds what was known of the
// envelope, for the answer; it is never nil.
func Open(d Delivery, o Options) (*Message, error) {
	o.Limits = o.Limits.withDefaults()
	o.Records, o.Fields = upper(o.Records), upper(o.Fields)
	m := &Message{opts: o, Chunk: 1, Chunks: 1}
	return m, classify(m.open(d))
}

// upper folds the names of a tenant's file: PeopleSoft's names have no small letters.
func upper(names map[string]string) map[string]string {
	out := make(map[string]string, len(names))
	for from, to := range names {
		out[strings.ToUpper(from)] = strings.ToUpper(to)
	}
	return out
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, p := range []struct{ have, def *int64 }{{&l.Body, &d.Body}, {&l.Ratio, &d.Ratio}, {&l.JSON, &d.JSON}} {
		if *p.have == 0 {
			*p.have = *p.def
		}
	}
	for _, p := range []struct{ have, def *int }{{&l.Depth, &d.Depth}, {&l.Elements, &d.Elements}, {&l.Text, &d.Text}, {&l.Rows, &d.Rows}, {&l.Sections, &d.Sections}} {
		if *p.have == 0 {
			*p.have = *p.def
		}
	}
	return l
}

func (l Limits) guard() guard.Limits {
	return guard.Limits{Depth: l.Depth, Items: l.Elements, Text: l.Text}
}

func (m *Message) open(d Delivery) error {
	header, query, err := headerFields(d)
	if err != nil {
		return err
	}
	names := m.route(header, query)
	switch d.Method {
	case http.MethodGet, http.MethodHead:
		return m.openGet(d.Query, names)
	case http.MethodPost, "":
	default:
		return badEnvelope("the method is not POST or GET")
	}
	m.Format = Bare
	if m.Ping || d.Body == nil {
		if !m.Ping {
			return badEnvelope("the body is empty")
		}
		return nil
	}
	return m.openBody(d.Body, header, names)
}

// openGet is a ping, unless the connector's Method is GET and the content stands in the query string (F8).
func (m *Message) openGet(query url.Values, names stated) error {
	m.Format = Get
	if m.Ping || names.first() == "" {
		m.Ping = true
		return nil
	}
	for name, values := range query {
		for _, text := range append(values, name) {
			if readable([]byte(text)) {
				return m.openText(strings.NewReader(text), names)
			}
		}
	}
	return badEnvelope("a GET with a message name and no content: set the connector's Method to POST")
}

func (m *Message) openBody(body io.Reader, header fields, names stated) error {
	b, packed, err := unpack(&capped{body, m.opts.Limits.Body}, header["content-encoding"], m.opts.Limits)
	if err != nil {
		return err
	}
	m.Packed = packed
	kind, params := media(header["content-type"])
	if strings.HasPrefix(kind, "multipart/") {
		return m.openMIME(b, params, names)
	}
	first, err := peek(b)
	if err != nil {
		return err
	}
	if percent(first, kind) {
		b = bufio.NewReaderSize(&formDecoder{in: b}, 4<<10)
	}
	text, agree, err := guard.UTF8(b, params["charset"])
	if err != nil {
		return err
	}
	if !agree {
		m.odd("the declared character sets disagree: the first of byte order mark, Content-Type and XML declaration holds")
	}
	return m.openText(text, names)
}

// openText opens what is text now: JSON, CDATA or XML.
func (m *Message) openText(text io.Reader, names stated) error {
	b := bufio.NewReaderSize(text, 4<<10)
	first, err := begin(b)
	if err != nil {
		return err
	}
	switch {
	case len(first) == 0:
		return badEnvelope("the body is empty")
	case first[0] == '{' || first[0] == '[' || bareCDATA(first):
		m.form(NonRowset)
		if first[0] == '<' {
			m.form(CDATA)
		}
		s, err := m.single(b, 0)
		if err != nil {
			return err
		}
		return m.begin(once(s), names)
	case first[0] != '<':
		return notData()
	}
	return m.openXML(b, names)
}

// form notes the form, unless GET is more important.
func (m *Message) form(f Format) {
	if m.Format != Get {
		m.Format = f
	}
}

func (m *Message) openXML(b io.Reader, names stated) error {
	r := guard.NewReader(b, m.opts.Limits.guard())
	root, err := rootOf(r)
	if err != nil {
		return err
	}
	switch root {
	case "IBRequest":
		m.form(Envelope)
		return m.openRequest(r, names)
	case "Envelope":
		m.form(SOAP)
		return m.openSOAP(r, names)
	}
	return m.begin(once(&section{root: root, xml: r, own: true}), names)
}

// begin takes the first section and settles the name.
func (m *Message) begin(next sections, names stated) error {
	s, err := next()
	if err != nil {
		return err
	}
	if m.Ping {
		return nil
	}
	if s == nil {
		return badEnvelope("the envelope has no content")
	}
	m.Root = s.root
	m.resolve(names)
	m.next = func() (*section, error) {
		if s != nil {
			first := s
			s = nil
			return first, nil
		}
		return next()
	}
	return nil
}

// rootOf moves to the root's start tag.
func rootOf(r *guard.Reader) (string, error) {
	for {
		t, err := r.Next()
		if err != nil {
			return "", err
		}
		if t == guard.Start {
			return string(r.Name()), nil
		}
	}
}

// begin skips byte order mark and space and returns what follows.
func begin(b *bufio.Reader) ([]byte, error) {
	for {
		first, err := peek(b)
		if err != nil {
			return nil, err
		}
		rest := bytes.TrimLeft(bytes.TrimPrefix(first, []byte("\xef\xbb\xbf")), " \t\r\n")
		if len(rest) == len(first) {
			return first, nil
		}
		_, _ = b.Discard(len(first) - len(rest))
	}
}

// bareCDATA recognizes F3: nothing but an XML declaration may stand before the section.
func bareCDATA(first []byte) bool {
	if bytes.HasPrefix(first, []byte("<?xml")) {
		_, after, ok := bytes.Cut(first, []byte("?>"))
		if !ok {
			return false
		}
		first = bytes.TrimLeft(after, " \t\r\n")
	}
	return bytes.HasPrefix(first, []byte("<![CDATA["))
}

func notData() error {
	return invalid(srcNotData, "the content is neither XML nor JSON")
}
