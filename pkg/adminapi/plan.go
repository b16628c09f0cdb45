package adminapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// PlanQuery restricts a plan; zero fields do not restrict. A Key needs a Kind.
type PlanQuery struct {
	Kind string // employees, vendors
	Key  string // one record, which is then told about also when nothing is to be done
}

// PlanLine is one line of a plan: exactly one of its parts. Records come in the order of their keys, vendors first; the
// last line is the summary, or the failure that ended the plan.
type PlanLine struct {
	Record   *PlanRecord   `json:"record,omitempty"`
	Progress *PlanProgress `json:"progress,omitempty"`
	Summary  *PlanSummary  `json:"summary,omitempty"`
	Failure  *Failure      `json:"failure,omitempty"`
}

// The states of a record in a plan.
const (
	PlanChange = "change" // a full run would make the change
	PlanWait   = "wait"   // a change is wanted and waits: Code says for what
	PlanDrift  = "drift"  // Zendesk differs, but was right when it was last written: left until the record changes
	PlanSame   = "same"   // nothing to do
)

// How the object of a record is told in Zendesk.
const (
	MatchExact  = "exact"  // by link or external id
	MatchAdopt  = "adopt"  // by email or name, without an external id: it becomes ours
	MatchReview = "review" // somebody must look: another external id, an agent or admin, or the same name with another email
	MatchNew    = "new"    // nobody is there
)

// PlanRecord is what would become of one record.
type PlanRecord struct {
	Kind     string         `json:"kind"`
	Key      string         `json:"key"`
	State    string         `json:"state"`           // change, wait, drift, same
	Verb     string         `json:"verb,omitempty"`  // nothing, create, update, suspend, restore
	Match    string         `json:"match,omitempty"` // exact, adopt, review, new; "" where no object is needed
	Why      string         `json:"why,omitempty"`
	Code     string         `json:"code,omitempty"`
	Next     string         `json:"next,omitempty"`
	TargetID string         `json:"target_id,omitempty"` // of the object, or of the one that was met
	Hold     string         `json:"hold,omitempty"`      // that it waits in
	Changes  []audit.Change `json:"changes,omitempty"`
	Explain  []string       `json:"explain,omitempty"`
}

// PlanProgress says how far the plan is.
type PlanProgress struct {
	Done           int     `json:"done"`
	Total          int     `json:"total"`
	WaitingSeconds float64 `json:"waiting_seconds"` // until Zendesk is asked again: live traffic goes first
}

// PlanSummary counts what the plan found.
type PlanSummary struct {
	Tenant   string         `json:"tenant"`
	Mode     string         `json:"mode"`
	AsOf     string         `json:"as_of"` // the day that was resolved, in the tenant's zone
	Settings int64          `json:"settings_version"`
	Records  map[string]int `json:"records"` // looked at, by kind
	Changes  map[string]int `json:"changes"` // by kind/verb
	Waits    map[string]int `json:"waits"`   // by code
	Drift    int            `json:"drift"`
	Guard    []PlanGuard    `json:"guard"` // what the guard counts
	Reads    []PlanRead     `json:"reads"` // how old the knowledge is
	Adoption []Adoption     `json:"adoption,omitempty"`
	TookMS   int64          `json:"took_ms"`
}

// PlanGuard is what the guard says to a kind of change.
type PlanGuard struct {
	Change string `json:"change"` // suspend, email, create
	Kind   string `json:"kind"`
	Asking int    `json:"asking"` // the plan asks for so many
	Held   int    `json:"held"`   // wait for a person already
	Passed int    `json:"passed"` // in the 24 hours before
	Limit  int    `json:"limit"`
	Waits  bool   `json:"waits"` // what asks would wait for a person
	Hold   string `json:"hold,omitempty"`
}

// PlanRead is the last complete full read of a kind.
type PlanRead struct {
	Kind    string    `json:"kind"`
	Ended   time.Time `json:"ended"`
	Records int       `json:"records"`
}

// Adoption compares what PeopleSoft knows with what an account holds that was never written.
type Adoption struct {
	Kind      string   `json:"kind"`
	Objects   int      `json:"objects"` // in Zendesk
	Staff     int      `json:"staff"`   // agents and admins among them: never changed
	Exact     int      `json:"exact"`
	Adopt     int      `json:"adopt"`
	Review    int      `json:"review"`
	New       int      `json:"new"`
	Orphans   int      `json:"orphans"`    // objects that no record stands for; nothing is ever done to them
	Ours      int      `json:"ours"`       // of the orphans, those with an external id of our form
	OrphanIDs []string `json:"orphan_ids"` // the first 1000
}

// Plan computes what a full run would change and writes nothing to Zendesk. It calls see with every record that is not
// as wanted and with progress, and answers the summary. Ending ctx ends the plan on the server too.
func (c *Client) Plan(ctx context.Context, t tenant.ID, q PlanQuery, see func(PlanLine) error) (PlanSummary, error) {
	v := url.Values{}
	for k, s := range map[string]string{"kind": q.Kind, "key": q.Key} {
		if s != "" {
			v.Set(k, s)
		}
	}
	req, err := c.request(ctx, http.MethodGet, "/tenants/"+url.PathEscape(string(t))+"/plan?"+v.Encode(), nil)
	if err != nil {
		return PlanSummary{}, err
	}
	endless := *c.http
	endless.Timeout = 0
	resp, err := endless.Do(req)
	if err != nil {
		return PlanSummary{}, c.silent(ctx)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return PlanSummary{}, failure(resp.StatusCode, b)
	}
	d := json.NewDecoder(resp.Body)
	for {
		var line PlanLine
		switch err := d.Decode(&line); {
		case err != nil && ctx.Err() != nil:
			return PlanSummary{}, ctx.Err()
		case err != nil:
			return PlanSummary{}, fault.Wrap(err, fault.Transient, NotRunning, "the answer of "+c.base+" was cut: the plan is not complete")
		case line.Summary != nil:
			return *line.Summary, nil
		case line.Failure != nil:
			return PlanSummary{}, line.Failure.fault()
		}
		if err := see(line); err != nil {
			return PlanSummary{}, err
		}
	}
}
