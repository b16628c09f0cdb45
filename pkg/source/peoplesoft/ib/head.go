package ib

import (
	"mime"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// fields are the header fields and query parameters of a delivery under lower-case names.
type fields map[string]string

// headerFields reads headers and query parameters that count; a name with two different values is refused, because
// two programs on the way may disagree about which one holds.
func headerFields(d Delivery) (header, query fields, err error) {
	header, query = make(fields, len(d.Header)), make(fields, len(d.Query))
	for name, values := range d.Header {
		if err := header.put(name, values); err != nil {
			return nil, nil, err
		}
	}
	for name, values := range d.Query {
		if err := query.put(name, values); err != nil {
			return nil, nil, err
		}
	}
	return header, query, nil
}

func (f fields) put(name string, values []string) error {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, v := range values {
		v = strings.TrimSpace(v)
		if have, ok := f[name]; ok && have != v && routing(name) {
			return badEnvelope("the header or parameter " + name + " has two values")
		}
		if _, ok := f[name]; !ok {
			f[name] = v
		}
	}
	return nil
}

// routing lists the names that decide something.
func routing(name string) bool {
	switch name {
	case "externaloperationname", "operationname", "messagename", "operationtype", "messagetype", "from", "requestingnode", "to", "password",
		"transactionid", "externalmessageid", "datachunk", "datachunkcount", "content-type", "content-encoding":
		return true
	}
	return false
}

func (f fields) first(names ...string) string {
	for _, n := range names {
		if f[n] != "" {
			return f[n]
		}
	}
	return ""
}

// stated collects the names that a delivery gives its message, in order of precedence (peoplesoft.md 1.2).
type stated struct{ header, envelope, operation, legacy, soap string }

func (s stated) first() string {
	for _, name := range []string{s.header, s.envelope, s.operation, s.legacy, s.soap} {
		if name = bareName(name); name != "" {
			return name
		}
	}
	return ""
}

// bareName takes quotes, hash marks and a path off a name: SOAPAction may be "#PERSON_BASIC_SYNC.v1" or an address.
func bareName(s string) string {
	s = strings.Trim(s, "\"' \t")
	if i := strings.LastIndexAny(s, "#/"); i >= 0 {
		s = s[i+1:]
	}
	return strings.TrimSpace(s)
}

// route fills the message from headers and query: the header holds, the query is what older senders use.
func (m *Message) route(header, query fields) stated {
	get := func(names ...string) string {
		if v := header.first(names...); v != "" {
			return v
		}
		return query.first(names...)
	}
	m.operation(get("operationtype", "messagetype"))
	m.From, m.To = get("from", "requestingnode"), get("to", "destinationnode", "finaldestination")
	m.Transaction = get("transactionid", "externalmessageid")
	m.Sent = get("origtimestamp")
	m.segment(get("datachunk"), get("datachunkcount"))
	if p := get("password"); p != "" {
		m.Password = secret.New(p)
	}
	if strings.EqualFold(m.Transaction, "PING_NODE") {
		m.Ping = true
	}
	return stated{header: header["externaloperationname"], operation: get("operationname"), legacy: get("messagename"), soap: header["soapaction"]}
}

func (m *Message) operation(kind string) {
	switch strings.ToLower(kind) {
	case "sync":
		m.Sync = true
	case "ping":
		m.Ping = true
	}
}

func (m *Message) segment(number, count string) {
	m.Chunk, m.Chunks = 1, 1
	if number == "" && count == "" {
		return
	}
	n, err := strconv.Atoi(number)
	of, err2 := strconv.Atoi(count)
	if err != nil || err2 != nil || n < 1 || of < n {
		m.odd("DataChunk and DataChunkCount do not name a segment: read as the only one")
		return
	}
	m.Chunk, m.Chunks = n, of
}

func (m *Message) odd(detail string) {
	if len(m.Notes) < maxNotes {
		m.Notes = append(m.Notes, source.Note{Code: string(fault.BadEnvelope), Detail: detail})
	}
}

// media splits a Content-Type; one that cannot be read counts as none.
func media(header string) (kind string, params map[string]string) {
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		kind, _, _ = strings.Cut(header, ";")
		return strings.ToLower(strings.TrimSpace(kind)), nil
	}
	return kind, params
}
