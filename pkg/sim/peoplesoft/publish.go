package peoplesoft

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Publication asks for messages about rows as they are now, as a publish program or a resend would.
type Publication struct {
	Message    string   `json:"message"`               // for example PERSON_BASIC_SYNC, VENDOR_FULLSYNC; with _EFF: rows in force only
	Keys       []string `json:"keys,omitempty"`        // EMPLIDs, SETID/VENDOR_ID, DEPTIDs, JOBCODEs, POSITION_NBRs; none: all
	Action     string   `json:"action,omitempty"`      // AUDIT_ACTN of level 0; default C, none in a FULLSYNC
	PerMessage int      `json:"per_message,omitempty"` // keys in one message; default 1, in a FULLSYNC 200
	Segments   int      `json:"segments,omitempty"`    // requests that share one message (DataChunk); default 1
	Bare       bool     `json:"bare,omitempty"`        // a FULLSYNC without header and trailer
	Wire       string   `json:"wire,omitempty"`        // format of these messages; default the node's
	Body       string   `json:"body,omitempty"`        // send this content in place of rows
}

// posted is one message instance with its segments, as it waits in a queue.
type posted struct {
	id, operation, version, queue, key string
	at                                 time.Time
	segments                           []rowset
	raw                                []byte // in place of segments
	wire                               *Wire
}

// Publish puts messages into the queues of the node and answers their transaction ids, in order. They leave while
// RunSender runs.
func (s *Sim) Publish(p Publication) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.out.ready() {
		return nil, errors.New("publish: no node; call Node first")
	}
	all, err := s.compose(p)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return s.out.enqueue(all), nil
}

// split reads a message's name: its family, and whether it is a FULLSYNC and of the _EFF kind.
func split(message string) (name string, full, eff bool, err error) {
	name, eff = strings.CutSuffix(message, "_EFF")
	if name, full = strings.CutSuffix(name, "_FULLSYNC"); !full {
		var ok bool
		if name, ok = strings.CutSuffix(name, "_SYNC"); !ok {
			return "", false, false, fmt.Errorf("message %q: want a name that ends in _SYNC or _FULLSYNC", message)
		}
	}
	if _, ok := families()[name]; !ok {
		return "", false, false, fmt.Errorf("message %q: unknown", message)
	}
	return name, full, eff, nil
}

func (s *Sim) compose(p Publication) ([]posted, error) {
	name, full, eff, err := split(p.Message)
	if err != nil {
		return nil, err
	}
	f, b := families()[name], s.book()
	b.current = eff
	var wire *Wire
	if p.Wire != "" {
		w, err := ParseWire(p.Wire)
		if err != nil {
			return nil, err
		}
		wire = &w
	}
	m := posted{operation: p.Message, version: f.version, queue: f.queue, wire: wire, at: s.now()}
	if p.Body != "" {
		m.raw = []byte(p.Body)
		return []posted{m}, nil
	}
	keys, size, action := p.Keys, max(p.PerMessage, 1), cmp.Or(p.Action, "C")
	if len(keys) == 0 {
		keys = f.all(s)
	}
	if full {
		size, action = cmp.Or(max(p.PerMessage, 0), 200), p.Action
	}
	all, err := s.data(m, f, b, keys, size, max(p.Segments, 1), action)
	if err == nil && full && !p.Bare {
		all = s.framed(all, m, b)
	}
	return all, err
}

// data makes the messages with rows.
func (s *Sim) data(m posted, f family, b book, keys []string, size, segments int, action string) ([]posted, error) {
	var all []posted
	for part := range slices.Chunk(keys, size) {
		var rows []rec
		for _, key := range part {
			found := f.rows(s, b, key, action)
			if found == nil {
				return nil, fmt.Errorf("%s: key %q: unknown", m.operation, key)
			}
			rows = append(rows, found...)
		}
		next := m
		next.key = part[0]
		per := max((len(rows)+segments-1)/segments, 1)
		for segment := range slices.Chunk(rows, per) {
			next.segments = append(next.segments, s.content(m.operation, b, segment, ""))
		}
		all = append(all, next)
	}
	return all, nil
}

// framed puts the header before and the trailer after the messages of a FULLSYNC (peoplesoft.md 2.4).
func (s *Sim) framed(all []posted, m posted, b book) []posted {
	header, trailer := m, m
	header.segments = []rowset{s.content(m.operation, b, nil, "H")}
	trailer.segments = []rowset{s.content(m.operation, b, nil, "T")}
	return append(append([]posted{header}, all...), trailer)
}

func (s *Sim) content(operation string, b book, rows []rec, sequence string) rowset {
	return rowset{root: s.out.alias(operation), shape: b.shape, rows: rows, sequence: sequence}
}

func (s *Sim) book() book {
	return book{shape: s.out.shape(), setup: s.setup, today: s.today(), zone: s.opt.Zone}
}

// happened publishes what a save in a component would publish after an event. It needs the lock.
func (s *Sim) happened(effect Effect, before *setup) {
	if !s.out.listening() {
		return
	}
	all := s.changedSetup(before)
	for _, key := range effect.Keys {
		if strings.HasPrefix(effect.Type, "vendor-") {
			all = append(all, s.savedVendor(key)...)
		} else if i, err := s.find(key); err == nil {
			all = append(all, s.savedPerson(s.people[i])...)
		}
	}
	s.out.enqueue(all)
}

func (s *Sim) message(operation, key string, rows ...rec) posted {
	name, _, _, err := split(operation)
	if err != nil {
		return posted{} // cannot happen: our own names
	}
	f := families()[name]
	return posted{operation: operation, version: f.version, queue: f.queue, key: key, at: s.now(), segments: []rowset{s.content(operation, s.book(), rows, "")}}
}

// savedPerson compares the person with the version before: PERSON_BASIC_SYNC for data of the person, one
// WORKFORCE_SYNC for the jobs that changed; a new person gives both, the person first (peoplesoft.md 2.4).
func (s *Sim) savedPerson(p *person) []posted {
	was, b := p.prev, s.book()
	var all []posted
	personal := was == nil || p.first != was.first || p.last != was.last || p.display != was.display || p.email != was.email || p.phone != was.phone ||
		(p.stamp != was.stamp && slices.Equal(p.jobs, was.jobs))
	if personal {
		all = append(all, s.message("PERSON_BASIC_SYNC", p.id, b.personRow(p, was, true)))
	}
	if rows := b.jobRows(p, was, true); len(rows) > 0 {
		all = append(all, s.message("WORKFORCE_SYNC", p.id, rows...))
	}
	if s.out.jobFirst() {
		slices.Reverse(all)
	}
	return all
}

func (s *Sim) savedVendor(key string) []posted {
	setID, id, _ := strings.Cut(key, "/")
	i, err := s.searchVendor(setID, id)
	if err != nil {
		return nil
	}
	v := s.vendors[i]
	return []posted{s.message("VENDOR_SYNC", key, s.book().vendorRow(v, v.prev, true))}
}

// changedSetup publishes the departments and job codes whose text is new or another.
func (s *Sim) changedSetup(before *setup) (all []posted) {
	if before == s.setup {
		return nil
	}
	b := s.book()
	for _, id := range s.setup.deptIDs {
		if old, had := before.depts[id]; old != s.setup.depts[id] || !had {
			all = append(all, s.message("DEPT_SYNC", id, b.deptRow(id, change(!had, true))))
		}
	}
	for _, code := range s.setup.jobCodes {
		if old, had := before.jobs[code]; old != s.setup.jobs[code] || !had {
			all = append(all, s.message("JOBCODE_SYNC", code, b.jobCodeRow(code, change(!had, true))))
		}
	}
	return all
}
