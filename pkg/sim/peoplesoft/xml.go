package peoplesoft

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

const (
	rowsSpace = "http://xmlns.oracle.com/Enterprise/Tools/schemas/QAS_QUERYRESULTS_XMLP_RESP.VERSION_1"
	wrapSpace = "http://xmlns.oracle.com/Enterprise/Tools/schemas/QAS_GETQUERYRESULTS_RESP_MSG.VERSION_2"
)

// writeXML writes a result as output type XMLP: one element per column, its name possibly with a dot, CHAR in
// CDATA, numbers and dates bare, empty as <X/> (peoplesoft.md 3.2).
func (y *style) writeXML(r result) []byte {
	b := bytes.NewBuffer(make([]byte, 0, 300+len(r.hits)*len(y.cols)*50))
	b.WriteString("<?xml version=\"1.0\"?>\n")
	if y.WrappedXML {
		fmt.Fprintf(b, "<QAS_GETQUERYRESULTS_RESP_MSG xmlns=%q>", wrapSpace)
	}
	fmt.Fprintf(b, "<query xmlns=%q numrows=\"%d\" queryname=%q>", rowsSpace, y.numRows(r), y.query)
	for i, h := range r.hits {
		y.writeXMLRow(b, h, i+1)
	}
	b.WriteString("</query>")
	if y.WrappedXML {
		b.WriteString("</QAS_GETQUERYRESULTS_RESP_MSG>")
	}
	return b.Bytes()
}

func (y *style) writeXMLRow(b *bytes.Buffer, h hit, number int) {
	if y.NoRowNumber {
		b.WriteString("<row>")
	} else {
		fmt.Fprintf(b, "<row rownumber=\"%d\">", number)
	}
	for i := range y.cols {
		v, name := y.value(&y.cols[i], h, number-1), y.labels[i]
		switch {
		case v.form == missing:
			continue
		case v.form == null:
			b.WriteString("<" + name + "/>")
			continue
		}
		b.WriteString("<" + name + ">")
		switch {
		case v.form == bare:
			b.WriteString(escapeXML(v.text))
		case v.text != "":
			b.WriteString(cdata(v.text))
		}
		b.WriteString("</" + name + ">")
	}
	b.WriteString("</row>")
}

// cdata wraps a text; an end mark inside is split over two sections.
func cdata(s string) string {
	return "<![CDATA[" + strings.ReplaceAll(s, "]]>", "]]]]><![CDATA[>") + "]]>"
}

func escapeXML(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return "" // a strings.Builder never fails
	}
	return b.String()
}
