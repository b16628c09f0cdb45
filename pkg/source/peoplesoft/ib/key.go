package ib

import (
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// ref names the record of a row; its Key is "" when the row has no usable key.
func (t *rowset) ref(at int) record.Ref {
	switch t.rows[at].kind {
	case vendorRec, addrRec:
		return record.Ref{Kind: record.Vendor, Key: joined(t.key(at, setID), t.key(at, vendorID))}
	case deptRec:
		return record.Ref{Kind: record.Reference, Key: prefixed("dept", t.key(at, setID), t.key(at, deptID))}
	case jobcodeRec:
		return record.Ref{Kind: record.Reference, Key: prefixed("jobcode", t.key(at, setID), t.key(at, jobCode))}
	case positionRec:
		return record.Ref{Kind: record.Reference, Key: prefixed("position", t.key(at, positionNo))}
	case locationRec:
		return record.Ref{Kind: record.Reference, Key: prefixed("location", t.key(at, setID), t.key(at, locationID))}
	}
	return record.Ref{Kind: record.Employee, Key: joined(t.key(at, emplID))}
}

// joined is a key of the parts; "" when one is missing or is not a key.
func joined(parts ...string) string {
	for _, p := range parts {
		if p == "" || !clean64(p) || strings.ContainsRune(p, '/') {
			return ""
		}
	}
	if key := strings.Join(parts, "/"); len(key) <= 64 {
		return key
	}
	return ""
}

func prefixed(prefix string, parts ...string) string {
	key := joined(parts...)
	if key == "" || len(prefix)+1+len(key) > 64 {
		return ""
	}
	return prefix + "/" + key
}

// clean64 says that a text can be part of a key: short and without control characters.
func clean64(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// stamp is when the row was last changed: its own LASTUPDDTTM; else LAST_CHILD_UPDDTTM of it or the nearest row around
// it, which is there for rows without a time of their own (peoplesoft.md 2.6); else when the message was published.
func (t *rowset) stamp(at int) erp.Stamp {
	if s := t.wall(t.rows[at].own(lastUpdate)); s != "" {
		return s
	}
	for up := at; up >= 0; up = t.rows[up].parent {
		if s := t.wall(t.rows[up].own(lastChild)); s != "" {
			return s
		}
	}
	return t.sent
}

// wall is stampOf with a memory of one: the rows of a person share the time of the row around them.
func (t *rowset) wall(text string, _ bool) erp.Stamp {
	if text == "" {
		return ""
	}
	if text != t.lastText {
		t.lastText, t.lastStamp = text, stampOf(text)
	}
	return t.lastStamp
}

// stampOf reads a wall clock; one that is none or out of range counts as not stated, which loses nothing.
func stampOf(text string) erp.Stamp {
	if text == "" {
		return ""
	}
	s, err := erp.ParseStamp(text)
	if err != nil {
		return ""
	}
	if w, err := s.Wall(); err != nil || w.Year() < 1900 || w.Year() > 2200 {
		return ""
	}
	return s
}

// sentStamp is OrigTimeStamp on the database's wall clock. It is an instant where it has an offset; the times in rows
// are wall clocks whatever they say (erp.Stamp).
func sentStamp(text string, zone *time.Location) erp.Stamp {
	if zone == nil {
		return stampOf(text)
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999Z07:00"} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return stampOf(string(erp.StampOf(at, zone)))
		}
	}
	return stampOf(text)
}
