package peoplesoft_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// unpack takes off every layer and charset until plain text is left.
func unpack(t *testing.T, g got) string {
	t.Helper()
	b := []byte(g.body)
	for range 4 {
		switch {
		case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
			r, err := gzip.NewReader(bytes.NewReader(b))
			b = drain(t, r, err)
		case bytes.HasPrefix(b, []byte{0x78, 0x9c}):
			r, err := zlib.NewReader(bytes.NewReader(b))
			b = drain(t, r, err)
		default:
			if raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(b), "\r\n", "")); err == nil {
				b = raw
			}
		}
	}
	switch {
	case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
		return string(b[3:])
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		var units []uint16
		for i := 2; i+1 < len(b); i += 2 {
			lo, hi := b[i], b[i+1]
			if b[0] == 0xfe {
				lo, hi = hi, lo
			}
			units = append(units, uint16(lo)|uint16(hi)<<8)
		}
		return strings.Replace(string(utf16.Decode(units)), ` encoding="UTF-16"`, "", 1)
	case bytes.Contains(b, []byte(`encoding="ISO-8859-1"`)):
		var s strings.Builder
		for _, c := range b {
			s.WriteRune(rune(c))
		}
		return strings.Replace(s.String(), ` encoding="ISO-8859-1"`, "", 1)
	}
	return string(b)
}

func drain(t *testing.T, r io.Reader, err error) []byte {
	t.Helper()
	if err == nil {
		var b []byte
		if b, err = io.ReadAll(r); err == nil {
			return b
		}
	}
	t.Fatal(err)
	return nil
}

// parts gives the text that holds the content, whatever the envelope.
func parts(t *testing.T, g got, body string) string {
	t.Helper()
	_, params, err := mime.ParseMediaType(g.header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return body
	}
	var all strings.Builder
	for r := multipart.NewReader(strings.NewReader(body), params["boundary"]); ; {
		part, err := r.NextPart()
		if err != nil {
			return all.String()
		}
		b := drain(t, part, nil)
		if part.Header.Get("Content-Transfer-Encoding") == "base64" {
			if b, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(string(b), "\r\n", "")); err != nil {
				t.Fatal(err)
			}
		}
		all.Write(b)
	}
}

func TestEveryWireFormatCarriesTheSameContent(t *testing.T) {
	const name = "Zoë Ñandú-日本 & <Co> ]]>"
	for _, wire := range peoplesoft.Wires() {
		t.Run(wire, func(t *testing.T) {
			w, r := caught(t, peoplesoft.NodeOptions{Wires: []string{wire}, NodePassword: "node&pass", WSUser: "MLCONN", WSPassword: "ws<pass"})
			if _, err := w.VendorAdd(name, "zoe@example.com"); err != nil {
				t.Fatal(err)
			}
			w.drained()
			g := r.posts()[0]
			body := parts(t, g, unpack(t, g))
			for range 2 { // escaped content is escaped twice
				body = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&#34;", `"`, "\\u003c", "<", "\\u003e", ">", "\\u0026", "&",
					"]]]]><![CDATA[>", "]]>", "&#26085;&#26412;", "日本").Replace(body)
			}
			if !strings.Contains(body, name) {
				t.Errorf("the name is not in %s", body)
			}
			if routed := strings.Contains(body, "VENDOR_SYNC.VERSION_1") || nameHeader(g) == "VENDOR_SYNC.VERSION_1" || nameHeader(g) == "VENDOR_SYNC"; !routed {
				t.Errorf("no message name in %v", g.header)
			}
		})
	}
}

func nameHeader(g got) string {
	for _, h := range []string{"ExternalOperationName", "OperationName", "MessageName"} {
		if v := g.header.Get(h); v != "" {
			return v
		}
	}
	return ""
}

func TestJSONIsWellFormedAndEnvelopesParse(t *testing.T) {
	for _, wire := range []string{"json", "soap11", "soap12", "ibrequest", "ibrequest-escaped", "ibrequest-nested", "ibrequest-split", "nonrowset"} {
		w, r := caught(t, peoplesoft.NodeOptions{Wires: []string{wire}})
		w.publish(peoplesoft.Publication{Message: "PERSON_BASIC_SYNC", PerMessage: 5})
		w.drained()
		for _, g := range r.posts() {
			if wire != "json" {
				parse(t, g.body)
			} else if !json.Valid([]byte(g.body)) {
				t.Errorf("not JSON: %s", g.body)
			}
		}
	}
}

func TestAliasAndVersionAreTheNodes(t *testing.T) {
	w, r := caught(t, peoplesoft.NodeOptions{Alias: map[string]string{"DEPT_SYNC": "SITE_DEPT"}, Version: "v3", Wires: []string{"bare+listening"}})
	w.publish(peoplesoft.Publication{Message: "DEPT_SYNC", Keys: []string{"0010100"}, Action: "A"})
	w.drained()
	if g := r.posts()[0]; nameHeader(g) != "SITE_DEPT.v3" || parse(t, g.body).name != "SITE_DEPT" {
		t.Errorf("%v %s", g.header, g.body)
	}
}
