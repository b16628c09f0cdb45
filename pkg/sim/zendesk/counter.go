package zendesk

import (
	"maps"
	"slices"
	"time"
)

// Counters are exact sums since the account was made.
type Counters struct {
	Requests   int64            `json:"requests"`    // API and OAuth calls, refused ones too
	Calls      map[string]int64 `json:"calls"`       // by method and route, such as "PUT /api/v2/users/{id}"
	Statuses   map[int]int64    `json:"statuses"`    // by HTTP status; 0 = dropped connection
	TooMany    int64            `json:"too_many"`    // answers 429 of every cause
	Limited    map[string]int64 `json:"limited"`     // refusals by bucket: account, user, organization, create-update-user, jobs, …
	OverBudget int64            `json:"over_budget"` // requests beyond the account's minute
	TooSoon    int64            `json:"too_soon"`    // refusals of a bucket that had already said Retry-After in this window
	Busiest    int64            `json:"busiest"`     // most requests of ours accepted in one clock minute, when limited
	Deletes    int64            `json:"deletes"`     // DELETE, destroy_many, merge: must stay 0
	Mails      int64            `json:"mails"`       // verification mails that would have been sent, reserved domains too (1.4)
	Writes     int64            `json:"writes"`      // records written, without effect too
	Unchanged  int64            `json:"unchanged"`   // of these: writes that changed nothing
	Lost       int64            `json:"lost"`        // of these: writes that did not stick by order
	Consents   int64            `json:"consents"`    // codes given out by the consent page
	Exchanges  int64            `json:"exchanges"`   // codes changed into tokens
	Refreshes  int64            `json:"refreshes"`   // token pairs replaced by a refresh
	Reused     int64            `json:"reused"`      // uses of a refresh token, or of a code, that was spent before: must stay 0
	Jobs       int64            `json:"jobs"`        // bulk jobs queued
	MostJobs   int64            `json:"most_jobs"`   // most bulk jobs queued or running at once
}

// Request is one line of the request log. Path keeps its query; Status 0 means a dropped connection.
type Request struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Route  string    `json:"route"`
	Status int       `json:"status"`
}

// Counters returns the sums so far.
func (s *Sim) Counters() (out Counters) {
	s.locked(func(time.Time) {
		out = s.counters
		out.Calls, out.Statuses, out.Limited = maps.Clone(out.Calls), maps.Clone(out.Statuses), maps.Clone(out.Limited)
	})
	return out
}

// Requests returns the newest calls, oldest first; at least half of Options.KeepRequests when there were so many.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Deletions returns every attempt to delete or merge.
func (s *Sim) Deletions() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.deletions)
}
