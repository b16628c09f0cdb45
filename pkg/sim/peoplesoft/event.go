package peoplesoft

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Event is one life event, as the methods of Sim and POST /_sim/event take it. Unused fields stay empty.
// Dates are CCYY-MM-DD; an empty Date is today.
type Event struct {
	Type        string `json:"type"` // hire, terminate, …: see Sim.EventTypes
	EmplID      string `json:"emplid,omitempty"`
	Other       string `json:"other,omitempty"`    // the second person of swap-emails
	Rcd         *int   `json:"empl_rcd,omitempty"` // default: every active job, or the first
	Seq         int    `json:"effseq,omitempty"`
	Date        string `json:"date,omitempty"`
	To          string `json:"to,omitempty"` // new date of move-date
	First       string `json:"first,omitempty"`
	Last        string `json:"last,omitempty"`
	Email       string `json:"email,omitempty"`
	Phone       string `json:"phone,omitempty"`
	Dept        string `json:"dept,omitempty"`  // DEPTID
	Title       string `json:"title,omitempty"` // becomes a job code of that description
	PerOrg      string `json:"per_org,omitempty"`
	Status      string `json:"status,omitempty"` // EMPL_STATUS or VENDOR_STATUS
	SetID       string `json:"setid,omitempty"`
	VendorID    string `json:"vendor_id,omitempty"`
	Name        string `json:"name,omitempty"` // NAME1, or DESCR of a department
	Class       string `json:"class,omitempty"`
	Persistence string `json:"persistence,omitempty"`
	City        string `json:"city,omitempty"`
	Country     string `json:"country,omitempty"`
	Count       int    `json:"count,omitempty"`        // for hire, terminate-many, touch
	LateSeconds int    `json:"late_seconds,omitempty"` // readers see the change only so much later (failures.md P08)
}

// Effect says what an event did.
type Effect struct {
	Type   string   `json:"type"`
	Keys   []string `json:"keys"`  // EMPLIDs, or SETID/VENDOR_ID
	Text   string   `json:"text"`  // one sentence for people
	Stamp  string   `json:"stamp"` // LASTUPDDTTM written, StampMicros in the simulator's zone
	Silent bool     `json:"silent,omitempty"`
}

// Key is the first key of the effect, or empty.
func (e Effect) Key() string {
	if len(e.Keys) == 0 {
		return ""
	}
	return e.Keys[0]
}

type deed func(*Sim, Event) (Effect, error)

// deeds is the table of everything that can happen.
func deeds() map[string]deed {
	return map[string]deed{
		"hire": (*Sim).hire, "terminate": (*Sim).terminate, "rehire": (*Sim).rehire, "status": (*Sim).status,
		"change-department": (*Sim).changeDepartment, "change-title": (*Sim).changeTitle, "correct-history": (*Sim).correctHistory,
		"add-job": (*Sim).addJob, "end-job": (*Sim).endJob, "move-date": (*Sim).moveDate, "withdraw": (*Sim).withdraw, "delete-row": (*Sim).deleteRow,
		"rename": (*Sim).rename, "change-email": (*Sim).changeEmail, "blank-email": (*Sim).blankEmail, "change-phone": (*Sim).changePhone,
		"swap-emails": (*Sim).swapEmails, "touch": (*Sim).touch, "terminate-many": (*Sim).terminateMany, "rename-department": (*Sim).renameDepartment,
		"vendor-add": (*Sim).vendorAdd, "vendor-rename": (*Sim).vendorRename, "vendor-status": (*Sim).vendorStatus, "vendor-change": (*Sim).vendorChange,
	}
}

// EventTypes lists the types that Apply understands, sorted.
func (s *Sim) EventTypes() []string {
	var all []string
	for name := range deeds() {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Apply lets an event happen: now, or on its Date. On an error nothing has changed.
func (s *Sim) Apply(e Event) (Effect, error) {
	do, ok := deeds()[e.Type]
	if !ok {
		return Effect{}, fmt.Errorf("event type %q: want one of %s", e.Type, strings.Join(s.EventTypes(), ", "))
	}
	for _, day := range []*string{&e.Date, &e.To} {
		if *day == "" {
			continue
		}
		clean, err := parseDay(*day)
		if err != nil {
			return Effect{}, fmt.Errorf("event %s: %w", e.Type, err)
		}
		*day = clean
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Date == "" {
		e.Date = s.today()
	}
	before := s.setup
	effect, err := do(s, e)
	if err != nil {
		return Effect{}, fmt.Errorf("event %s: %w", e.Type, err)
	}
	effect.Type, effect.Stamp = e.Type, s.stamp().format(StampMicros, s.opt.Zone)
	s.happened(effect, before)
	return effect, nil
}

func (s *Sim) find(emplID string) (int, error) {
	i, ok := slices.BinarySearchFunc(s.people, emplID, func(p *person, id string) int { return strings.Compare(p.id, id) })
	if !ok {
		return 0, fmt.Errorf("employee %q: unknown", emplID)
	}
	return i, nil
}

// edit makes the next version of a person: change works on a copy, which is committed if it returns nil.
func (s *Sim) edit(e Event, change func(*person) error) error {
	i, err := s.find(e.EmplID)
	if err != nil {
		return err
	}
	old := s.people[i]
	next := *old
	next.jobs = slices.Clone(old.jobs)
	if err := change(&next); err != nil {
		return fmt.Errorf("employee %s: %w", e.EmplID, err)
	}
	next.settle()
	next.prev, next.visible = old, s.visibleFrom(old.visible, e)
	s.people[i] = &next
	forget(&next, func(p *person) *person { return p.prev }, func(p *person) { p.prev, p.visible = nil, time.Time{} })
	return nil
}

// visibleFrom is when readers see a change: never before the change it builds on.
func (s *Sim) visibleFrom(before time.Time, e Event) time.Time {
	at := s.now().Add(s.lateness(e.LateSeconds))
	if at.Before(before) {
		return before
	}
	return at
}

// forget cuts a chain of versions after 32, so that a long soak does not grow.
func forget[T any](newest *T, prev func(*T) *T, end func(*T)) {
	at := newest
	for range 32 {
		if at = prev(at); at == nil {
			return
		}
	}
	end(at)
}

func one(key, format string, args ...any) Effect {
	return Effect{Keys: []string{key}, Text: fmt.Sprintf(format, args...)}
}
