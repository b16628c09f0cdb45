package zendesk

import (
	"slices"
	"time"
)

// Effect is one line of the append-only log of what was written. Before and After are *User or *Organization
// (*Membership for memberships, *Field for custom fields); Before is nil for a create.
type Effect struct {
	Seq        int64     `json:"seq"`
	RequestID  string    `json:"request_id"` // "" for what a test or an admin did (seed, deactivate)
	JobID      string    `json:"job_id,omitempty"`
	Time       time.Time `json:"time"`
	Kind       string    `json:"kind"` // user, organization, membership, field
	ID         int64     `json:"id"`
	ExternalID string    `json:"external_id"`
	// Verb is create, update, suspend, restore, identity, or deactivate (an admin's soft delete).
	Verb    string   `json:"verb"`
	Changed []string `json:"changed"` // names of the fields that differ; empty = the write changed nothing
	Lost    bool     `json:"lost,omitempty"`
	Before  any      `json:"before"`
	After   any      `json:"after"`
}

// cause says where a write comes from.
type cause struct {
	request, job string
	at           time.Time // whole seconds, as Zendesk shows
	verb         string
	lose         bool
	refuse       bool // the record is answered as failed and not written
}

type effectLog struct {
	effects   []Effect
	deletions []Request
}

func (l *effectLog) add(c cause, e Effect) {
	e.Seq, e.RequestID, e.JobID, e.Time = int64(len(l.effects)+1), c.request, c.job, c.at
	if e.Changed == nil {
		e.Changed = []string{}
	}
	l.effects = append(l.effects, e)
}

// Effects returns everything written so far, oldest first.
func (s *Sim) Effects() (out []Effect) {
	s.locked(func(time.Time) { out = slices.Clone(s.log.effects) })
	return out
}

// sticks counts a record write and says whether it will stick.
func (s *Sim) sticks(c cause, changed bool) bool {
	s.counters.Writes++
	if !changed {
		s.counters.Unchanged++
	}
	if c.request == "" {
		return true
	}
	s.writeN++
	if c.lose || s.opts.LoseEvery > 0 && s.writeN%int64(s.opts.LoseEvery) == 0 {
		s.counters.Lost++
		return false
	}
	return true
}
