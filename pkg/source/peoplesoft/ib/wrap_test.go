package ib

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf16"
)

// sent is a delivery in parts, so that it can be changed and sent again.
type sent struct {
	method string
	header map[string]string
	query  url.Values
	body   string
}

func (s sent) delivery() Delivery {
	h := http.Header{}
	for k, v := range s.header {
		h[k] = []string{v}
	}
	method := s.method
	if method == "" {
		method = http.MethodPost
	}
	return Delivery{Method: method, Header: h, Query: s.query, Body: strings.NewReader(s.body)}
}

func (s sent) with(name, value string) sent {
	h := map[string]string{name: value}
	for k, v := range s.header {
		if _, ok := h[k]; !ok {
			h[k] = v
		}
	}
	s.header = h
	return s
}

const stamp = "2026-03-02T08:20:00.000000-0500"

func routed(name, kind string) map[string]string {
	return map[string]string{"Content-Type": kind, "ExternalOperationName": name + ".VERSION_9", "OperationType": "async", "OrigTimeStamp": stamp,
		"From": "PSFT_HR", "To": "ML_CONNECTOR", "TransactionID": "tx-1"}
}

func noDeclaration(s string) string { return strings.TrimPrefix(s, `<?xml version="1.0"?>`) }

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func cdata(s string) string {
	return "<![CDATA[" + strings.ReplaceAll(s, "]]>", "]]]]><![CDATA[>") + "]]>"
}

func request(name, operation string, data ...string) string {
	out := `<?xml version="1.0"?>
<IBRequest><ExternalOperationName>` + name + `.VERSION_9</ExternalOperationName><OperationType>` + operation + `</OperationType>
 <From><RequestingNode>PSFT_HR</RequestingNode><Password>node-secret</Password><OrigUser>HRADMIN</OrigUser><OrigNode>PSFT_HR</OrigNode><OrigProcess>PERSONAL_DATA</OrigProcess><OrigTimeStamp>` + stamp + `</OrigTimeStamp></From>
 <To><FinalDestination/><DestinationNode>ML_CONNECTOR</DestinationNode><SubChannel/></To><TransactionID>tx-1</TransactionID><ContentSections>`
	for _, d := range data {
		out += `<ContentSection><NonRepudiation>N</NonRepudiation><MessageVersion>VERSION_9</MessageVersion><Data>` + d + `</Data></ContentSection>`
	}
	return out + `</ContentSections></IBRequest>`
}

func soap(space, content string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="` + space + `"><soapenv:Header>
<wsse:Security soapenv:mustUnderstand="1" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><wsse:UsernameToken>
<wsse:Username>MLCONN</wsse:Username><wsse:Password Type="x#PasswordText">token-secret</wsse:Password></wsse:UsernameToken></wsse:Security></soapenv:Header>
<soapenv:Body>` + noDeclaration(content) + `</soapenv:Body></soapenv:Envelope>`
}

const soap11 = "http://schemas.xmlsoap.org/soap/envelope/"

func mimeBody(name, operation, encoding, content string, infoLast bool) string {
	part := func(id, encoding, content string) string {
		return "--B_1\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: " + encoding + "\r\nContent-Disposition: inline\r\nContent-ID: " + id + "\r\n\r\n" + content + "\r\n"
	}
	info := part("<IBInfo>", "8bit", `<?xml version="1.0"?><IBInfo><ExternalOperationName><![CDATA[`+name+`.VERSION_9]]></ExternalOperationName><OperationType>`+operation+
		`</OperationType><From><RequestingNode><![CDATA[PSFT_HR]]></RequestingNode><Password>node-secret</Password><OrigTimeStamp>`+stamp+`</OrigTimeStamp></From><To><DestinationNode>ML_CONNECTOR</DestinationNode></To><TransactionID>tx-1</TransactionID>`+
		`<ContentSections><ContentSection><ID>ContentSection0</ID><NonRepudiation>N</NonRepudiation></ContentSection></ContentSections></IBInfo>`)
	data := part("ContentSection0", encoding, content)
	if infoLast {
		info, data = data, info
	}
	return info + data + "--B_1--\r\n"
}

const mimeType = `multipart/related; boundary="B_1"`

// forms are the ways a message may be written; each gives the same facts.
func forms(name, content string) map[string]sent {
	only := func(kind string) map[string]string { return map[string]string{"Content-Type": kind} }
	bare := routed(name, "text/xml; charset=UTF-8")
	return map[string]sent{
		"F1 bare":                        {header: bare, body: content},
		"F1 without a declaration":       {header: routed(name, "application/xml"), body: "\ufeff \n" + noDeclaration(content)},
		"F3 in one CDATA section":        {header: bare, body: "<?xml version=\"1.0\"?>" + cdata(content)},
		"F4 SOAP 1.1":                    {header: bare, body: soap(soap11, content)},
		"F4 SOAP 1.2":                    {header: routed(name, "application/soap+xml"), body: soap(soap12, content)},
		"F5 in CDATA":                    {header: only("text/xml"), body: request(name, "async", cdata(content))},
		"F5 escaped":                     {header: only("text/xml"), body: request(name, "async", "\n "+escaped(content)+"\n ")},
		"F5 as elements":                 {header: only("text/xml"), body: request(name, "async", noDeclaration(content))},
		"F5 with an empty section first": {header: only("text/xml"), body: request(name, "async", "", cdata(content))},
		"F5 with packed content":         {header: only("text/xml"), body: request(name, "async", pack64(packGzip(content)))},
		"F6 8bit":                        {header: only(mimeType), body: mimeBody(name, "async", "8bit", content, false)},
		"F6 base64":                      {header: only(mimeType), body: mimeBody(name, "async", "base64", pack64(content), false)},
		"F6 with IBInfo last":            {header: only(mimeType), body: mimeBody(name, "async", "8bit", content, true)},
		"F8 in the query string":         {method: http.MethodGet, header: bare, query: url.Values{"xml": {content}}},
		"a form body":                    {header: routed(name, "application/x-www-form-urlencoded"), body: url.QueryEscape(content)},
		"a form body sent as it is":      {header: routed(name, "application/x-www-form-urlencoded"), body: content},
	}
}

func packGzip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func packZlib(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// pack64 breaks its lines as MIME does.
func pack64(s string) string {
	text, out := base64.StdEncoding.EncodeToString([]byte(s)), ""
	for len(text) > 76 {
		out, text = out+text[:76]+"\r\n", text[76:]
	}
	return out + text
}

// packings are the ways a body may be packed (F7), up to three deep.
func packings() map[string]func(string) string {
	return map[string]func(string) string{
		"as it is": func(s string) string { return s },
		"gzip":     packGzip, "zlib": packZlib, "base64": pack64,
		"base64 of gzip":         func(s string) string { return pack64(packGzip(s)) },
		"base64 of zlib":         func(s string) string { return pack64(packZlib(s)) },
		"gzip of base64":         func(s string) string { return packGzip(pack64(s)) },
		"gzip of base64 of zlib": func(s string) string { return packGzip(pack64(packZlib(s))) },
	}
}

func wide(s string, order binary.AppendByteOrder, mark bool) string {
	if mark {
		s = "\ufeff" + s
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}
