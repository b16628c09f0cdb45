package peoplesoft

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// writeJSON writes a result as ExecuteQuery does for output type JSON (peoplesoft.md 3.2). The order of the
// columns is that of the query.
func (y *style) writeJSON(r result) []byte {
	b := bytes.NewBuffer(make([]byte, 0, 200+len(r.hits)*len(y.cols)*28))
	status := "success"
	if y.StatusUpperCase {
		status = "SUCCESS"
	}
	b.WriteString(`{"status":"` + status + `","data":{"query":{"numrows":`)
	b.WriteString(strconv.Itoa(y.numRows(r)))
	b.WriteString(`,`)
	writeText(b, orText(y.QueryNameKey, "queryname="))
	b.WriteString(`:`)
	writeText(b, y.query)
	b.WriteString(`,"rows":`)
	y.writeRows(b, r)
	b.WriteString(`}}}`)
	return b.Bytes()
}

func (y *style) numRows(r result) int {
	if y.TotalNumRows {
		return r.total
	}
	return len(r.hits)
}

func (y *style) writeRows(b *bytes.Buffer, r result) {
	if len(r.hits) == 0 && y.NoRowsNull {
		b.WriteString("null")
		return
	}
	if len(r.hits) == 1 && y.OneRowObject {
		y.writeRow(b, r.hits[0], 1)
		return
	}
	b.WriteByte('[')
	for i, h := range r.hits {
		if i > 0 {
			b.WriteByte(',')
		}
		y.writeRow(b, h, i+1)
	}
	b.WriteByte(']')
}

func (y *style) writeRow(b *bytes.Buffer, h hit, number int) {
	b.WriteByte('{')
	comma := false
	if !y.NoRowNumber {
		b.WriteString(`"attr:rownumber":`)
		b.WriteString(strconv.Itoa(number))
		comma = true
	}
	for i := range y.cols {
		v := y.value(&y.cols[i], h, number-1)
		if v.form == missing {
			continue
		}
		if comma {
			b.WriteByte(',')
		}
		comma = true
		writeText(b, y.labels[i])
		b.WriteByte(':')
		writeValue(b, v)
	}
	b.WriteByte('}')
}

func writeValue(b *bytes.Buffer, v value) {
	switch v.form {
	case bare:
		b.WriteString(v.text)
	case null:
		b.WriteString("null")
	default:
		writeText(b, v.text)
	}
}

// writeText writes a JSON string; plain ASCII, by far the most common, goes the short way.
func writeText(b *bytes.Buffer, s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			writeSpecial(b, s)
			return
		}
	}
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
}

func writeSpecial(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err == nil { // a string always encodes
		b.Truncate(b.Len() - 1) // the encoder's line end
	}
}
