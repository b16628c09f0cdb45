package ib

// cama is one PSCAMA row (peoplesoft.md 2.2): what happened to the row it belongs to.
type cama struct {
	action     byte
	seq        byte
	lang, base string
}

// put takes one of its fields.
func (c *cama) put(name, text string) {
	first := byte(0)
	if text != "" {
		first = text[0]
	}
	switch name {
	case "AUDIT_ACTN":
		c.action = first
	case "MSG_SEQ_FLG":
		c.seq = first
	case "LANGUAGE_CD":
		c.lang = text
	case "BASE_LANGUAGE_CD":
		c.base = text
	}
}

// camaField says that a field of PSCAMA is read.
func camaField(name []byte) bool {
	switch string(name) {
	case "AUDIT_ACTN", "MSG_SEQ_FLG", "LANGUAGE_CD", "BASE_LANGUAGE_CD":
		return true
	}
	return false
}

// belongs applies c to a row; -1 is the Transaction alone.
func (t *rowset) belongs(c cama, at int) {
	if c.seq == 'H' || c.seq == 'T' {
		t.seq = c.seq
	}
	if c.lang != "" && c.base != "" {
		t.lang, t.base = c.lang, c.base
	}
	if at >= 0 && (c.action != 0 || t.rows[at].action == 0) {
		t.rows[at].action = c.action
	}
}
