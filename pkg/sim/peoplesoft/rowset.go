package peoplesoft

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
)

// Canary is inside every sensitive text that messages carry (national ids, birth places, home addresses, bank and tax
// data): a reader that lets it through has failed. CanaryDate is every birth date, CanaryPay every pay rate.
const (
	Canary     = "CANARY"
	CanaryDate = "1909-09-09"
	CanaryPay  = "98765.432109"
)

// Shape says how rowsets are written (peoplesoft.md 2.1); the zero value is what a current release publishes.
type Shape struct {
	PSCAMA     string `json:"pscama,omitempty"`      // after (the row, default), inside (the row), before, none (but the transaction's)
	FieldTypes string `json:"field_types,omitempty"` // full (default), empty, none
	NoClass    bool   `json:"no_class,omitempty"`    // records without class="R"
	Views      bool   `json:"views,omitempty"`       // scroll views as levels of their own: NAME_TYPE_VW, VNDR_ADDR_SCROL
	JobParent  string `json:"job_parent,omitempty"`  // level 0 of WORKFORCE: PER_ORG_ASGN (default), PER_ORG_INST, EMPLOYMENT, PERSON
	Blank      string `json:"blank,omitempty"`       // space (default), empty, absent; absent says nothing about the field
	Namespace  bool   `json:"namespace,omitempty"`   // the root has Oracle's schema namespace
	Custom     bool   `json:"custom,omitempty"`      // a site's own record and field in between
}

// The types of fields in FieldTypes.
const (
	charType     = "CHAR"
	numberType   = "NUMBER"
	dateType     = "DATE"
	dateTimeType = "DATETIME"
)

// rec is one row of a record with its child rows. The action is its AUDIT_ACTN (peoplesoft.md 2.2).
type rec struct {
	name, action string
	fields       []cell
	kids         []rec
}

type cell struct {
	name, value, kind string
	changed           bool
}

func text(name, value string) cell     { return cell{name: name, value: value, kind: charType} }
func num(name, value string) cell      { return cell{name: name, value: value, kind: numberType} }
func date(name, value string) cell     { return cell{name: name, value: value, kind: dateType} }
func dateTime(name, value string) cell { return cell{name: name, value: value, kind: dateTimeType} }

func row(name, action string, fields ...cell) rec {
	return rec{name: name, action: action, fields: fields}
}

// under puts a row into the scroll view that some releases have above it.
func (r rec) under(view string, on bool, keys ...cell) rec {
	if !on {
		return r
	}
	return rec{name: view, action: r.action, fields: keys, kids: []rec{r}}
}

// changedFrom marks the fields that differ from an older row as IsChanged.
func (r rec) changedFrom(old rec) rec {
	for i := range r.fields {
		if i < len(old.fields) && r.fields[i].value != old.fields[i].value {
			r.fields[i].changed = true
		}
	}
	return r
}

// rowset is the content of one message: its transactions, or the header or trailer of a FULLSYNC.
type rowset struct {
	root, namespace string
	shape           Shape
	rows            []rec
	sequence        string // MSG_SEQ_FLG of a message without data: H or T
	node            string
}

// rowsetWriter writes XML as Integration Broker does.
type rowsetWriter struct {
	bytes.Buffer
	shape Shape
	class string
}

// xml is the whole document.
func (d rowset) xml() []byte {
	w := &rowsetWriter{shape: d.shape, class: ` class="R"`}
	if d.shape.NoClass {
		w.class = ""
	}
	w.WriteString("<?xml version=\"1.0\"?>\n<" + d.root)
	if d.shape.Namespace || d.namespace != "" {
		w.WriteString(` xmlns="` + orText(d.namespace, "http://xmlns.oracle.com/Enterprise/Tools/schemas/"+d.root) + `"`)
	}
	w.WriteString(">")
	w.fieldTypes(d.rows)
	w.WriteString("<MsgData>")
	if d.sequence != "" {
		w.WriteString("<Transaction>")
		w.transaction("", d.sequence, d.node)
		w.WriteString("</Transaction>")
	}
	for _, r := range d.rows {
		w.WriteString("<Transaction>")
		w.row(r, true)
		w.transaction(r.action, "", d.node)
		w.WriteString("</Transaction>\n")
	}
	w.WriteString("</MsgData></" + d.root + ">")
	return w.Bytes()
}

func (w *rowsetWriter) row(r rec, top bool) {
	if w.shape.PSCAMA == "before" && !top {
		w.action(r.action)
	}
	w.WriteString("<" + r.name + w.class + ">")
	for i, f := range r.fields {
		if w.shape.Custom && i == 1 {
			w.WriteString("<XX_SITE_FLAG>Y</XX_SITE_FLAG>")
		}
		w.cell(f)
	}
	for _, kid := range r.kids {
		w.row(kid, false)
	}
	if w.shape.Custom && top {
		w.WriteString("<XX_SITE_TBL" + w.class + "><XX_CODE>" + Canary + "</XX_CODE></XX_SITE_TBL>")
	}
	if w.shape.PSCAMA == "inside" && !top {
		w.action(r.action)
	}
	w.WriteString("</" + r.name + ">")
	if (w.shape.PSCAMA == "" || w.shape.PSCAMA == "after") && !top {
		w.action(r.action)
	}
}

func (w *rowsetWriter) cell(f cell) {
	value := f.value
	if strings.TrimSpace(value) == "" && f.kind == charType {
		switch w.shape.Blank {
		case "absent":
			return
		case "empty":
			value = ""
		default:
			value = " "
		}
	}
	w.WriteString("<" + f.name)
	if f.changed {
		w.WriteString(` IsChanged="Y"`)
	}
	if value == "" {
		w.WriteString("/>")
		return
	}
	w.WriteString(">")
	_ = xml.EscapeText(w, []byte(value)) // a buffer takes everything
	w.WriteString("</" + f.name + ">")
}

func (w *rowsetWriter) action(code string) {
	w.WriteString("<PSCAMA" + w.class + ">")
	w.simple("AUDIT_ACTN", code)
	w.WriteString("</PSCAMA>")
}

// transaction is the full PSCAMA that closes a Transaction.
func (w *rowsetWriter) transaction(code, sequence, node string) {
	w.WriteString("<PSCAMA" + w.class + ">")
	for _, f := range pscama(code, sequence, node) {
		w.simple(f.name, f.value)
	}
	w.WriteString("</PSCAMA>")
}

func pscama(code, sequence, node string) []cell {
	return []cell{text("LANGUAGE_CD", "ENG"), text("AUDIT_ACTN", code), text("BASE_LANGUAGE_CD", "ENG"), text("MSG_SEQ_FLG", sequence),
		num("PROCESS_INSTANCE", "0"), text("PUBLISH_RULE_ID", ""), text("MSGNODENAME", node)}
}

func (w *rowsetWriter) simple(name, value string) {
	if value == "" {
		w.WriteString("<" + name + "/>")
		return
	}
	w.WriteString("<" + name + ">" + value + "</" + name + ">")
}

// fieldTypes lists every record once with the types of its fields.
func (w *rowsetWriter) fieldTypes(rows []rec) {
	switch w.shape.FieldTypes {
	case "none":
		return
	case "empty":
		w.WriteString("<FieldTypes/>")
		return
	}
	w.WriteString("<FieldTypes>")
	var seen []string
	var list func(rec)
	list = func(r rec) {
		if !slices.Contains(seen, r.name) {
			seen = append(seen, r.name)
			w.types(r.name, r.fields)
		}
		for _, kid := range r.kids {
			list(kid)
		}
	}
	for _, r := range rows {
		list(r)
	}
	w.types("PSCAMA", pscama("", "", ""))
	w.WriteString("</FieldTypes>\n")
}

func (w *rowsetWriter) types(record string, fields []cell) {
	w.WriteString("<" + record + w.class + ">")
	for _, f := range fields {
		w.WriteString("<" + f.name + ` type="` + f.kind + `"/>`)
	}
	w.WriteString("</" + record + ">")
}

// json is the same content as a document-based operation would send it: records by name, rows in lists.
func (d rowset) json() []byte {
	var all []any
	for _, r := range d.rows {
		all = append(all, map[string]any{r.name: r.object()})
	}
	b, err := json.Marshal(map[string]any{d.root: map[string]any{"MsgData": map[string]any{"Transaction": all}}})
	if err != nil {
		return nil // cannot happen: maps of texts
	}
	return b
}

func (r rec) object() map[string]any {
	o := map[string]any{}
	for _, f := range r.fields {
		o[f.name] = f.value
	}
	if r.action != "" {
		o["AUDIT_ACTN"] = r.action
	}
	for _, kid := range r.kids {
		list, _ := o[kid.name].([]any)
		o[kid.name] = append(list, kid.object())
	}
	return o
}
