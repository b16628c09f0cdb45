package peoplesoft

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

const (
	boundary    = "Integration_Server_MIME_Boundary"
	declaration = `<?xml version="1.0"?>`
)

// envelope puts the content into the wire's envelope, as UTF-8.
func (w Wire) envelope(l letter) []byte {
	switch w.Envelope {
	case "json":
		if l.set != nil {
			return l.set.json()
		}
	case "nonrowset":
		if l.set != nil {
			plain := *l.set
			plain.shape.NoClass, plain.shape.FieldTypes = true, "none"
			return plain.xml()
		}
	case "cdata":
		return []byte(declaration + "<![CDATA[" + string(l.content) + "]]>")
	case "soap11":
		return soap("http://schemas.xmlsoap.org/soap/envelope/", l)
	case "soap12":
		return soap("http://www.w3.org/2003/05/soap-envelope", l)
	case "ibrequest", "ibrequest-escaped", "ibrequest-nested", "ibrequest-split":
		return w.ibRequest(l)
	case "mime", "mime-base64":
		return w.mime(l)
	}
	return l.content
}

func soap(namespace string, l letter) []byte {
	var b strings.Builder
	b.WriteString(declaration + `<soapenv:Envelope xmlns:soapenv="` + namespace + `"><soapenv:Header>`)
	if l.user != "" {
		fmt.Fprintf(&b, `<wsse:Security soapenv:mustUnderstand="1" xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">`+
			`<wsse:UsernameToken><wsse:Username>%s</wsse:Username><wsse:Password Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText">%s</wsse:Password>`+
			`</wsse:UsernameToken></wsse:Security>`, escapeXML(l.user), escapeXML(l.userPassword))
	}
	b.WriteString("</soapenv:Header><soapenv:Body>" + bodyOf(l.content) + "</soapenv:Body></soapenv:Envelope>")
	return []byte(b.String())
}

// ibRequest is the envelope of the listening connector (peoplesoft.md 1.2 F5).
func (w Wire) ibRequest(l letter) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n<IBRequest><ExternalOperationName>%s</ExternalOperationName><OperationType>%s</OperationType><TransactionID>%s</TransactionID>"+
		"<From><RequestingNode>%s</RequestingNode>", declaration, escapeXML(l.name), l.kind, escapeXML(l.id), escapeXML(l.from))
	if l.password != "" {
		b.WriteString("<Password>" + escapeXML(l.password) + "</Password>")
	}
	fmt.Fprintf(&b, "<OrigUser>HRADMIN</OrigUser><OrigNode>%s</OrigNode><OrigProcess>PERSONAL_DATA</OrigProcess><OrigTimeStamp>%s</OrigTimeStamp></From>"+
		"<To><FinalDestination/><DestinationNode>%s</DestinationNode><SubChannel/></To><ContentSections>", escapeXML(l.from), l.sent, escapeXML(l.to))
	for _, part := range w.sections(l) {
		fmt.Fprintf(&b, "<ContentSection><NonRepudiation>N</NonRepudiation><MessageVersion>%s</MessageVersion><Data>%s</Data></ContentSection>", escapeXML(l.version), part)
	}
	b.WriteString("</ContentSections></IBRequest>")
	return []byte(b.String())
}

// sections is the content of Data: one section, or with ibrequest-split one for each transaction.
func (w Wire) sections(l letter) []string {
	switch w.Envelope {
	case "ibrequest-escaped":
		return []string{escapeXML(string(l.content))}
	case "ibrequest-nested":
		return []string{bodyOf(l.content)}
	case "ibrequest-split":
		if l.set != nil && len(l.set.rows) > 0 {
			var all []string
			for i := range l.set.rows {
				part := *l.set
				part.rows = part.rows[i : i+1]
				all = append(all, cdata(string(part.xml())))
			}
			return all
		}
	}
	return []string{cdata(string(l.content))}
}

// mime is the internal format between PeopleSoft systems (peoplesoft.md 1.2 F6).
func (w Wire) mime(l letter) []byte {
	password := ""
	if l.password != "" {
		password = "<Password>" + cdata(l.password) + "</Password>"
	}
	info := fmt.Sprintf("%s<IBInfo><ExternalOperationName>%s</ExternalOperationName><OperationType>%s</OperationType><TransactionID>%s</TransactionID>"+
		"<From><RequestingNode>%s</RequestingNode>%s<OrigTimeStamp>%s</OrigTimeStamp></From><To><DestinationNode>%s</DestinationNode></To><ContentSections><ContentSection>"+
		"<ID>ContentSection0</ID><NonRepudiation>N</NonRepudiation></ContentSection></ContentSections></IBInfo>",
		declaration, cdata(l.name), l.kind, cdata(l.id), cdata(l.from), password, l.sent, cdata(l.to))
	var b bytes.Buffer
	part := func(id string, content []byte) {
		encoding := "8bit"
		if w.Envelope == "mime-base64" {
			encoding, content = "base64", base64Lines(content)
		}
		fmt.Fprintf(&b, "--%s\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: %s\r\nContent-Disposition: inline\r\nContent-ID: %s\r\n\r\n%s\r\n",
			boundary, encoding, id, content)
	}
	part("IBInfo", []byte(info))
	part("ContentSection0", l.content)
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes()
}

// bodyOf is a document without its XML declaration.
func bodyOf(document []byte) string {
	return strings.TrimSpace(strings.TrimPrefix(string(document), declaration))
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	return packed(&out, gzip.NewWriter(&out), b)
}

func deflated(b []byte) []byte {
	var out bytes.Buffer
	return packed(&out, zlib.NewWriter(&out), b)
}

func packed(out *bytes.Buffer, w io.WriteCloser, b []byte) []byte {
	_, _ = w.Write(b) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// plainBase64 is the value of a Basic credential.
func plainBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
