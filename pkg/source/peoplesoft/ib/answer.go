package ib

import (
	"bytes"
	"encoding/xml"
)

// boundary separates the parts of a MIME answer; nothing that we write can hold it.
const boundary = "ml_connector_ib_answer_boundary"

// Answer is the body that tells the sender what became of m, in the form it used: IBResponse, SOAP or MIME
// (peoplesoft.md 1.3). detail is for an administrator's eyes: no secrets, no personal values. m may be nil when nothing
// is known of the request. The answer to a GET is a constant.
func Answer(m *Message, ok bool, detail string) (contentType string, body []byte) {
	if m == nil {
		m = &Message{}
	}
	switch m.Format {
	case Get:
		if ok {
			return "text/plain; charset=utf-8", []byte("ok\n")
		}
		return "text/plain; charset=utf-8", []byte("not available\n")
	case SOAP:
		return soapAnswer(m, ok, detail)
	case MIME:
		return mimeAnswer(ok, detail)
	}
	return "text/xml; charset=utf-8", []byte(declarationLine + response(m, ok, detail))
}

const declarationLine = `<?xml version="1.0"?>` + "\n"

// response is an IBResponse.
func response(m *Message, ok bool, detail string) string {
	id := ""
	if m.Transaction != "" {
		id = "<TransactionID>" + escape(m.Transaction) + "</TransactionID>"
	}
	if ok {
		return `<IBResponse type="success"><DefaultTitle>Integration Broker Response</DefaultTitle><StatusCode>0</StatusCode>` + id + `</IBResponse>` + "\n"
	}
	return `<IBResponse type="error"><DefaultTitle>Integration Broker Response</DefaultTitle><StatusCode>20</StatusCode><MessageID>45</MessageID>` +
		`<DefaultMessage>` + escape(detail) + `</DefaultMessage>` + id + `</IBResponse>` + "\n"
}

func soapAnswer(m *Message, ok bool, detail string) (string, []byte) {
	kind, space := "text/xml; charset=utf-8", "http://schemas.xmlsoap.org/soap/envelope/"
	fault := `<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>` + escape(detail) + `</faultstring></soapenv:Fault>`
	if m.soap12 {
		kind, space = "application/soap+xml; charset=utf-8", soap12
		fault = `<soapenv:Fault><soapenv:Code><soapenv:Value>soapenv:Receiver</soapenv:Value></soapenv:Code><soapenv:Reason><soapenv:Text xml:lang="en">` +
			escape(detail) + `</soapenv:Text></soapenv:Reason></soapenv:Fault>`
	}
	if ok {
		fault = ""
	}
	return kind, []byte(declarationLine + `<soapenv:Envelope xmlns:soapenv="` + space + `"><soapenv:Body>` + fault + `</soapenv:Body></soapenv:Envelope>` + "\n")
}

func mimeAnswer(ok bool, detail string) (string, []byte) {
	status := `<StatusCode>0</StatusCode><MsgSet>158</MsgSet><MsgID>10000</MsgID><DefaultTitle>Integration Broker Response Message</DefaultTitle>`
	if !ok {
		status = `<StatusCode>20</StatusCode><MsgSet>158</MsgSet><MsgID>45</MsgID><DefaultTitle>Integration Broker Response Message</DefaultTitle><DefaultMessage>` +
			escape(detail) + `</DefaultMessage>`
	}
	part := func(id, content string) string {
		return "--" + boundary + "\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\nContent-Disposition: inline\r\nContent-ID: " +
			id + "\r\n\r\n" + content + "\r\n"
	}
	info := declarationLine + `<IBInfo><Status>` + status + `</Status><ContentSections><ContentSection><ID>ContentSection0</ID><NonRepudiation>N</NonRepudiation></ContentSection></ContentSections></IBInfo>`
	body := part("IBInfo", info) + part("ContentSection0", declarationLine+"<Response/>") + "--" + boundary + "--\r\n"
	return `multipart/related; boundary="` + boundary + `"`, []byte(body)
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer does not fail
	return b.String()
}
