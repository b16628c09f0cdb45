package writer

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Connection is the kind of the findings that are about a connection and not about a record.
const Connection record.Kind = "connection"

const (
	stage     = audit.Writer
	longIdle  = 15 * time.Minute
	consent   = time.Hour
	repairing = 12 // times Options.Idle, a minute by default: nobody repairs a credential faster
)

// account is whether the account takes calls.
type account struct {
	probing sync.Mutex // held by the lane whose record finds out

	mu       sync.Mutex
	gen      int       // raised by every refusal that counts
	refusals int       // in a row
	why      error     // of the newest refusal
	until    time.Time // nothing is pulled before; on the monotonic clock
	open     string    // code of the stored finding; "" when there is none
	changes  int       // how often that finding opened or closed, for ids
}

func (a *account) refuses() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refusals > 0
}

func (a *account) pause() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Until(a.until)
}

// state is what a refusal of everything makes of a closed breaker: open while a refused credential or right is let rest,
// half-open while one record finds out. A rate limit is waited for and opens nothing.
func (a *account) state() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.refusals == 0 || fault.KindOf(a.why) == fault.RateLimited:
		return gobreaker.StateClosed.String()
	case time.Now().Before(a.until) && (fault.KindOf(a.why) == fault.Auth || fault.KindOf(a.why) == fault.Config):
		return gobreaker.StateOpen.String()
	}
	return gobreaker.StateHalfOpen.String()
}

func (a *account) generation() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gen
}

// refused answers why the account refused everything since a generation; a rate limit concerns only who met it.
func (a *account) refused(gen int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if gen == a.gen || a.refusals == 0 || fault.KindOf(a.why) == fault.RateLimited {
		return nil
	}
	return a.why
}

func connection() record.Ref { return record.Ref{Kind: Connection, Key: "zendesk"} }

// judgeAccount remembers whether the account takes calls, sets the pause, and opens or closes the finding that says so.
// What a batch says that was fetched before the newest refusal is old: it neither lengthens nor ends the pause.
func (w *Writer) judgeAccount(ctx context.Context, t tenant.ID, gen int, refusal error) {
	a := &w.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if gen != a.gen {
		return
	}
	a.why = refusal
	code := ""
	a.until = time.Time{}
	if refusal != nil {
		code = string(fault.CodeOf(refusal))
		pause := w.pause(refusal, a.refusals)
		a.until = time.Now().Add(pause)
		a.refusals++
		a.gen++
		w.log.Warn("the account refuses", "tenant", t, "fault", code, "detail", detailOf(refusal), "wait_ms", pause.Milliseconds())
	} else {
		a.refusals = 0
	}
	c := w.turn(a.changes, refusal, a.until)
	switch {
	case code == a.open && refusal == nil:
		return
	case code == a.open:
		c.Entries = nil // told already; the finding says when the next try is
	}
	if _, err := w.store.CommitBatch(ctx, t, "", c); err != nil {
		w.log.Warn("finding not stored", "tenant", t, "err", err) // tried again after the next batch
		return
	}
	if code != a.open {
		a.open, a.changes = code, a.changes+1
	}
}

// turn is the commit that tells that the account began or ceased to refuse.
func (w *Writer) turn(n int, refusal error, until time.Time) store.Commit {
	o := store.Observation{Ref: connection()}
	e := audit.Entry{At: w.now(), Stage: stage, Verb: "write", Outcome: audit.Finished, Cause: "epoch/" + w.life.epoch,
		Detail: "the account takes calls again"}
	if refusal != nil {
		e.Outcome, e.Code, e.Detail, e.Next = audit.Failed, string(fault.CodeOf(refusal)), detailOf(refusal), fault.NextOf(refusal)
		o.Findings = []store.Finding{{Ref: o.Ref, Stage: stage, Code: fault.CodeOf(refusal), Hold: true,
			Detail: e.Detail + "; nothing is pulled, one record tries again at " + until.UTC().Format(time.RFC3339), Since: e.At, At: e.At}}
	}
	e.ID = audit.ID(stage, o.Ref, 0, w.life.epoch, e.Code, strconv.Itoa(n))
	return store.Commit{Entries: []audit.Entry{e}, Observations: []store.Observation{o}}
}

// recall reads which finding is stored: an earlier process or another writer may have opened it.
func (w *Writer) recall(ctx context.Context, t tenant.ID) error {
	a := &w.account
	a.mu.Lock()
	defer a.mu.Unlock()
	found, err := w.store.Findings(ctx, t, store.FindingQuery{Kind: Connection, Key: connection().Key})
	if err != nil {
		return err
	}
	a.open = ""
	for _, f := range found {
		if f.Stage == stage {
			a.open = string(f.Code)
		}
	}
	return nil
}

// pause is how long nothing is pulled after the account refused everything for the n-th time in a row.
func (w *Writer) pause(err error, n int) time.Duration {
	if fault.CodeOf(err) == fault.TargetReauth {
		return consent // only a person can repair it, and every try may cost a token (failures.md fact 8)
	}
	switch fault.KindOf(err) {
	case fault.RateLimited:
		return max(fault.AfterOf(err), doubled(w.opt.Backoff, n, time.Minute))
	case fault.Auth, fault.Config:
		return doubled(repairing*w.opt.Idle, n, longIdle)
	default:
		return w.opt.Idle // the breaker soon takes over
	}
}
