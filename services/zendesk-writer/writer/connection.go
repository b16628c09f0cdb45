package writer

import (
	"context"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Connection is the kind of the findings that are about a connection and not about a record.
const Connection record.Kind = "connection"

// account remembers whether the account takes calls, opens or closes the finding that says so, and answers how long
// to stop pulling.
func (w *Writer) account(ctx context.Context, t tenant.ID, refusal error) time.Duration {
	code, pause := "", time.Duration(0)
	if refusal != nil {
		code, pause = string(fault.CodeOf(refusal)), w.pause(refusal)
	}
	w.mu.Lock()
	before := w.blocked
	w.blocked = code
	w.mu.Unlock()
	if before == code {
		return pause
	}
	ref := record.Ref{Kind: Connection, Key: "zendesk"}
	o := store.Observation{Ref: ref}
	e := audit.Entry{At: w.now(), Stage: audit.Writer, Verb: "write", Outcome: audit.Finished, Detail: "the account takes calls again", Cause: "epoch/" + w.epoch}
	if refusal != nil {
		o.Findings = []store.Finding{{Ref: ref, Stage: audit.Writer, Code: fault.Code(code), Hold: true, Detail: detailOf(refusal), Since: w.now(), At: w.now()}}
		e.Outcome, e.Code, e.Detail, e.Next = audit.Failed, code, detailOf(refusal), fault.NextOf(refusal)
		w.log.Warn("the account refuses", "tenant", t, "fault", code, "detail", detailOf(refusal), "wait_ms", pause.Milliseconds())
	}
	e.ID = audit.ID(audit.Writer, ref, 0, w.epoch, code, strconv.FormatInt(w.now().UnixMicro(), 10))
	if err := w.store.SetFindings(ctx, t, audit.Writer, o); err != nil {
		w.log.Warn("finding not stored", "tenant", t, "err", err)
	}
	if err := w.store.Append(ctx, t, []audit.Entry{e}); err != nil {
		w.log.Warn("audit entry not stored", "tenant", t, "err", err)
	}
	return pause
}

// pause is how long nothing is pulled after the account refused everything.
func (w *Writer) pause(err error) time.Duration {
	switch fault.KindOf(err) {
	case fault.RateLimited:
		return max(fault.AfterOf(err), w.opt.Backoff)
	case fault.Auth, fault.Config:
		return 12 * w.opt.Idle // a minute by default: nobody repairs a credential faster
	default:
		return w.opt.Idle
	}
}
