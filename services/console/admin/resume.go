package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// resume lets a tenant's writer go on after a safety stop. The audit entry and the end of the stop are one transaction.
func (a *API) resume(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	var in adminapi.Resume
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.By, in.Reason = strings.TrimSpace(in.By), strings.TrimSpace(in.Reason); in.By == "" || in.Reason == "" {
		return nil, wrong("to let a writer go on needs `by`, who says so, and `reason`, what was repaired")
	}
	ref := store.WriterStop()
	found, err := a.Store.Findings(r.Context(), t, store.FindingQuery{Kind: ref.Kind, Key: ref.Key, Code: fault.SafetyStop})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "the writer of " + string(t) + " does not stand still: there is no safety stop",
			Next: "nothing to do; `ml-connector status " + string(t) + "` tells what else is wrong"}
	}
	f, now := found[0], a.Now()
	_, err = a.Store.CommitBatch(r.Context(), t, "", store.Commit{
		Observations: []store.Observation{{Ref: ref}},
		Entries: []audit.Entry{{ID: audit.ID(audit.Operator, ref, 0, "resume", f.Since.UTC().Format(time.RFC3339Nano), now.UTC().Format(time.RFC3339Nano)), Ref: ref, At: now,
			Stage: audit.Operator, Verb: "resume", Outcome: audit.Finished, Cause: "person/" + in.By, Detail: in.Reason + "; it had stopped: " + f.Detail}},
	})
	a.Log.Warn("a person lets the writer go on after a safety stop", "tenant", t, "by", in.By)
	return adminapi.Resumed{Since: f.Since, Detail: f.Detail}, err
}
