package ib

import (
	"errors"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// Each reads the content once, hands every record to yield and stops at its first error, which it returns as it is.
// Any other error is a *fault.Error and means: not complete (Transient, SRC_TRUNCATED) or not usable (Invalid). As the
// message is streamed, records may have been yielded before the error: keep none of them then. A ping has no records.
func (m *Message) Each(yield func(source.Record) error) (Stats, error) {
	var stats Stats
	if m.Ping {
		return stats, nil
	}
	if m.next == nil {
		return stats, badEnvelope("the message was read before, or could not be opened")
	}
	next := m.next
	m.next = nil
	t := &rowset{index: map[spot]int{}, opts: &m.opts, sent: sentStamp(m.Sent, m.opts.Zone), yield: yield, stats: &stats}
	err := m.each(next, t)
	if s, ok := errors.AsType[stop](err); ok {
		return stats, s.err
	}
	stats.HeaderOnly = t.headers > 0 && t.headers == stats.Transactions && stats.Records == 0
	stats.TrailerOnly = t.footers > 0 && t.footers == stats.Transactions && stats.Records == 0
	if err != nil {
		return stats, classify(err)
	}
	return stats, usable(stats)
}

func (m *Message) each(next sections, t *rowset) error {
	for {
		s, err := next()
		if err != nil || s == nil {
			return err
		}
		if t.family = familyOf(m.opts.canonical(s.root)); t.family == noFamily {
			t.family = familyOf(m.Name)
		}
		if t.family == noFamily {
			return m.unknown(s, next)
		}
		if s.xml != nil {
			err = (&xmlRows{rowset: t, r: s.xml}).read()
		} else {
			err = jsonRows{t}.read(s.json)
		}
		if err == nil {
			err = s.finish()
		}
		if err != nil {
			return err
		}
	}
}

// unknown says what an operator has to do about a message that nobody knows, once it is proven complete: a cut body
// is to be sent again, whatever it is.
func (m *Message) unknown(s *section, next sections) error {
	for s != nil {
		if s.xml != nil {
			if err := s.xml.Skip(); err != nil {
				return err
			}
		}
		if err := s.finish(); err != nil {
			return err
		}
		var err error
		if s, err = next(); err != nil {
			return err
		}
	}
	return &fault.Error{Kind: fault.Invalid, Code: fault.BadEnvelope, Detail: "the message is none of those that are read",
		Next: "If it is a delivered message under another name, add the name to the aliases of the tenant's Integration Broker settings. Else end its routing to this node."}
}

// usable refuses a message that says nothing, so that somebody hears of it.
func usable(s Stats) error {
	switch {
	case s.Records > 0 || s.HeaderOnly || s.TrailerOnly:
		return nil
	case s.Rows == 0:
		return invalid(fault.SourceSchema, "the message holds none of the records that are read")
	case s.Ignored == s.Rows && len(s.Notes) > 0 && s.Notes[0].Code == string(fault.SourceSchema):
		return invalid(fault.SourceSchema, "no row of the message can be used, the first: "+s.Notes[0].Detail)
	}
	return nil
}
