package peoplesoft

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
)

// Wire is a form in which a message travels (peoplesoft.md 1.2): one envelope and any number of additions, written
// as "soap11" or "ibrequest+latin1+gzip+base64". See Wires.
type Wire struct {
	Envelope string   // bare, nonrowset, json, cdata, soap11, soap12, ibrequest, ibrequest-escaped, ibrequest-nested, ibrequest-split, mime, mime-base64
	Charset  string   // utf8 (default), bom, utf16le, utf16be, latin1
	Layers   []string // gzip, zlib, base64, coded (gzip told by Content-Encoding), in order
	Names    string   // documented (default), lower, upper, captured, listening, old: how header names are written, and which
}

func envelopes() []string {
	return []string{"bare", "nonrowset", "json", "cdata", "soap11", "soap12", "ibrequest", "ibrequest-escaped", "ibrequest-nested", "ibrequest-split", "mime", "mime-base64"}
}

// Wires lists wire formats that together hold every envelope and every addition.
func Wires() []string {
	all := envelopes()
	for _, more := range []string{"gzip", "zlib", "base64", "gzip+base64", "zlib+base64", "base64+gzip", "gzip+gzip", "coded", "bom", "utf16le", "utf16be", "latin1",
		"lower", "upper", "captured", "listening", "old"} {
		all = append(all, "bare+"+more)
	}
	return append(all, "soap11+latin1+gzip", "soap12+utf16be", "ibrequest+gzip+base64", "ibrequest-nested+utf16le", "ibrequest-escaped+latin1", "mime+gzip", "mime+base64",
		"mime-base64+zlib", "json+gzip+base64", "cdata+base64")
}

// ParseWire reads a wire format.
func ParseWire(text string) (Wire, error) {
	parts := strings.Split(orText(text, "bare"), "+")
	w := Wire{Envelope: parts[0], Charset: "utf8", Names: "documented"}
	if !slices.Contains(envelopes(), w.Envelope) {
		return w, fmt.Errorf("format %q: envelope: want one of %s", text, strings.Join(envelopes(), ", "))
	}
	for _, part := range parts[1:] {
		switch part {
		case "gzip", "zlib", "base64", "coded":
			w.Layers = append(w.Layers, part)
		case "utf8", "bom", "utf16le", "utf16be", "latin1":
			w.Charset = part
		case "documented", "lower", "upper", "captured", "listening", "old":
			w.Names = part
		default:
			return w, fmt.Errorf("format %q: %q: unknown", text, part)
		}
	}
	if w.Charset != "utf8" && (w.bodyOnly() || w.Envelope == "json") {
		return w, fmt.Errorf("format %q: %s has no charset of its own", text, w.Envelope)
	}
	return w, nil
}

// bodyOnly tells that routing facts are in the body, not in headers.
func (w Wire) bodyOnly() bool { return strings.HasPrefix(w.Envelope, "mime") }

// letter is what an envelope needs to know of a message.
type letter struct {
	id, name, version, from, to, sent string // name is the external alias with its version
	password, user, userPassword      string
	kind                              string // async or sync
	chunk, chunks                     int
	content                           []byte // the message as XML
	set                               *rowset
}

// write makes header and body of a request.
func (w Wire) write(l letter) (http.Header, []byte) {
	h, body := http.Header{}, w.envelope(l)
	if !strings.HasPrefix(w.Envelope, "ibrequest") && !w.bodyOnly() {
		h = w.header(l)
	}
	w.contentType(h, l)
	body = w.encode(body)
	for _, layer := range w.Layers {
		switch layer {
		case "base64":
			body = base64Lines(body)
		case "zlib":
			body = deflated(body)
		default:
			body = gzipped(body)
		}
		if layer == "coded" {
			h["Content-Encoding"] = []string{"gzip"}
		}
	}
	return w.cased(h), body
}

// header holds the routing facts as the HTTP target connector writes them.
func (w Wire) header(l letter) http.Header {
	h := http.Header{"ExternalOperationName": {l.name}, "OperationType": {l.kind}, "OrigTimeStamp": {l.sent}, "NonRepudiation": {"False"}, "From": {l.from}, "To": {l.to},
		"TransactionID": {l.id}, "DataChunk": {fmt.Sprint(l.chunk)}, "DataChunkCount": {fmt.Sprint(l.chunks)}}
	if l.password != "" {
		h["Password"] = []string{l.password}
	}
	switch w.Names {
	case "listening":
		delete(h, "ExternalOperationName")
		delete(h, "TransactionID")
		h["OperationName"], h["ExternalMessageID"] = []string{l.name}, []string{l.id}
	case "old":
		delete(h, "ExternalOperationName")
		h["MessageName"], h["MessageType"] = []string{strings.TrimSuffix(l.name, "."+l.version)}, []string{"async"}
	}
	if strings.HasPrefix(w.Envelope, "soap") {
		h["SOAPAction"] = []string{`"` + l.name + `"`}
	}
	return h
}

func (w Wire) contentType(h http.Header, l letter) {
	charset := map[string]string{"utf16le": "utf-16", "utf16be": "utf-16", "latin1": "ISO-8859-1"}[w.Charset]
	kind := "text/xml"
	switch w.Envelope {
	case "json":
		h["Content-Type"] = []string{"application/json"}
		return
	case "soap12":
		kind = "application/soap+xml"
	case "mime", "mime-base64":
		h["Content-Type"] = []string{`multipart/related; boundary="` + boundary + `"`}
		h["Message-ID"], h["Mime-Version"] = []string{"<" + l.id + "@psft.example>"}, []string{"1.0"}
		h["Content-ID"], h["PeopleSoft-ToolsRelease"] = []string{"PeopleSoft-Internal-Mime-Message"}, []string{"8.61"}
		return
	}
	h["Content-Type"] = []string{kind + "; charset=" + orText(charset, "UTF-8")}
}

// cased writes header names in another case; HTTP/1 sends them as they are.
func (w Wire) cased(h http.Header) http.Header {
	change := map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper,
		"captured": func(s string) string { return strings.ToUpper(s[:1]) + strings.ToLower(s[1:]) }}[w.Names]
	if change == nil {
		return h
	}
	out := http.Header{}
	for name, values := range h {
		if name == "Content-Type" || name == "Content-Encoding" {
			out[name] = values
			continue
		}
		out[change(name)] = values
	}
	return out
}

// encode writes the body in the wire's charset and says so in the XML declaration.
func (w Wire) encode(body []byte) []byte {
	names := map[string]string{"utf16le": "UTF-16", "utf16be": "UTF-16", "latin1": "ISO-8859-1"}
	if name, ok := names[w.Charset]; ok {
		body = bytes.Replace(body, []byte(`<?xml version="1.0"?>`), []byte(`<?xml version="1.0" encoding="`+name+`"?>`), 1)
	}
	switch w.Charset {
	case "bom":
		return append([]byte("\uFEFF"), body...)
	case "latin1":
		return latin1(string(body))
	case "utf16le", "utf16be":
		return utf16Bytes(string(body), w.Charset == "utf16be")
	}
	return body
}

// latin1 writes what the charset does not have as character references.
func latin1(s string) []byte {
	var b bytes.Buffer
	for _, r := range s {
		if r > 0xff {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteByte(byte(r))
	}
	return b.Bytes()
}

func utf16Bytes(s string, big bool) []byte {
	units := utf16.Encode([]rune("\uFEFF" + s))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func base64Lines(b []byte) []byte {
	var out bytes.Buffer
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(b)), 76) {
		out.Write(line)
		out.WriteString("\r\n")
	}
	return out.Bytes()
}
