package replay

import (
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Ended is the audit entry about a replay that finished or was stopped: who asked, the range and the counts.
func Ended(r store.Replay) audit.Entry {
	ref := record.Ref{Kind: "connection", Key: "replay." + r.ID}
	outcome, said := audit.Finished, "finished"
	if r.State != store.ReplayFinished {
		outcome, said = audit.Failed, "stopped at "+fmt.Sprint(r.Next)
	}
	detail := fmt.Sprintf("replay %s of %s %d to %d by %s %s: %d events sent, %d not readable", r.ID, r.Stream, r.From, r.To, r.By, said, r.Events, r.Skipped)
	if r.Detail != "" {
		detail += "; " + r.Detail
	}
	return audit.Entry{ID: audit.ID(audit.Operator, ref, 0, "replay", r.ID, string(r.State)), Ref: ref, At: r.Ended, Stage: audit.Operator, Verb: "replay",
		Outcome: outcome, Code: string(r.Code), Detail: detail, Cause: "replay/" + r.ID}
}
