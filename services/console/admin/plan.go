package admin

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/console/plan"
)

// lines is an answer of many lines, one JSON document each, that is written while it is made.
type lines func(ctx context.Context, emit func(any) error) error

// plan answers with one adminapi.PlanLine a line. The caller who goes away ends it.
func (a *API) plan(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	q := adminapi.PlanQuery{Kind: r.URL.Query().Get("kind"), Key: r.URL.Query().Get("key")}
	return lines(func(ctx context.Context, emit func(any) error) error {
		return a.Plan(ctx, t, q, func(l adminapi.PlanLine) error {
			if l.Summary != nil {
				if err := a.reported(ctx, t, q, *l.Summary); err != nil {
					return err
				}
			}
			return emit(l)
		})
	}), nil
}

// stream writes lines as they come. A failure before the first line is an ordinary refusal, a later one the last line.
func (a *API) stream(w http.ResponseWriter, r *http.Request, of lines) {
	begun := false
	enc, flush := json.NewEncoder(w), http.NewResponseController(w)
	emit := func(v any) error {
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			begun = true
		}
		if err := enc.Encode(v); err != nil {
			return err
		}
		if l, ok := v.(adminapi.PlanLine); ok && l.Progress != nil {
			_ = flush.Flush() // a writer that cannot flush sends later
		}
		return nil
	}
	err := of(r.Context(), emit)
	switch {
	case err == nil || r.Context().Err() != nil:
	case begun:
		f := failureOf(err)
		_ = emit(adminapi.PlanLine{Failure: &f})
	default:
		a.refuse(w, err)
	}
}

// reported keeps in the trail that somebody had the adoption report made, and leaves open in status what needs a look.
// A plan of a tenant that has written closes it.
func (a *API) reported(ctx context.Context, t tenant.ID, q adminapi.PlanQuery, s adminapi.PlanSummary) error {
	if q.Kind != "" || q.Key != "" || len(s.Records) == 0 {
		return nil
	}
	ref, now := plan.AdoptionRef(), a.Now()
	o := store.Observation{Ref: ref}
	review := 0
	for _, ad := range s.Adoption {
		review += ad.Adopt + ad.Review
	}
	if review > 0 {
		o.Findings = []store.Finding{{Ref: ref, Stage: audit.Operator, Code: fault.AdoptionReview, Detail: plan.Told(s.Adoption), Since: now, At: now}}
	}
	if err := a.Store.SetFindings(ctx, t, audit.Operator, o); err != nil || len(s.Adoption) == 0 {
		return err
	}
	return a.Store.Append(ctx, t, []audit.Entry{{ID: audit.ID(audit.Operator, ref, uint64(s.Settings), "adoption", now.UTC().String()), Ref: ref, At: now,
		Stage: audit.Operator, Verb: "report adoption", Outcome: audit.Finished, Cause: "person/api", Detail: plan.Told(s.Adoption)}})
}
