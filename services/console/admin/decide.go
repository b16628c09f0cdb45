package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// choice is what a person asked for, checked.
type choice struct {
	tenant tenant.ID
	adminapi.DeadChoice
}

// takes tells whether the letter is open and of the group that was asked for.
func (c choice) takes(l letter) bool {
	return l.decided.Verb == "" && (c.Code == "" || string(l.dead.Code) == c.Code) && (c.Stage == "" || string(l.dead.Stage) == c.Stage)
}

// decision does something with letters. more is false when it is of no use to go on with others.
type decision func(ctx context.Context, c choice, ls []letter) (out []adminapi.DeadResult, more bool, err error)

func (a *API) chosen(r *http.Request) (c choice, err error) {
	if c.tenant, err = a.tenant(r); err != nil {
		return c, err
	}
	if err = decode(r, &c.DeadChoice); err != nil {
		return c, err
	}
	if c.By, c.Reason = strings.TrimSpace(c.By), strings.TrimSpace(c.Reason); c.By == "" {
		return c, wrong("a decision needs `by`, who decides")
	}
	group := c.Code != "" || c.Stage != ""
	if n := len(c.Sequences); (n > 0 && (group || c.All)) || (n == 0 && !group && !c.All) || (c.All && group) {
		return c, wrongly("name letters by number, or a group by --code and --stage, or --all", "select by number, by code and stage, or all: one of the three")
	}
	return c, nil
}

// resolve finds the letters that are asked for and acts on them page by page, up to the newest one there is now: what
// fails again while this goes on is a new letter, and not taken again.
func (a *API) resolve(ctx context.Context, c choice, act decision) ([]adminapi.DeadResult, error) {
	if len(c.Sequences) > 0 {
		ls, err := a.byNumber(ctx, c)
		if err != nil {
			return nil, err
		}
		out, _, err := act(ctx, c, ls)
		return out, err
	}
	st, err := a.Bus.State(ctx, c.tenant)
	if err != nil {
		return nil, err
	}
	out := []adminapi.DeadResult{}
	for from, last := uint64(1), st.Streams[bus.Dead].Last; from <= last; {
		var ls []letter
		next := last + 1
		err := a.walk(ctx, c.tenant, bus.Range{From: from, To: last}, func(l letter) bool {
			if c.takes(l) {
				ls = append(ls, l)
			}
			next = l.Seq + 1
			return len(ls) < deadPage
		})
		if err != nil {
			return out, err
		}
		if len(ls) < deadPage {
			next = last + 1
		}
		part, more, err := act(ctx, c, ls)
		if out = append(out, part...); err != nil || !more {
			return out, err
		}
		from = next
	}
	return out, nil
}

// byNumber reads letters that are named one by one: each must be there and open.
func (a *API) byNumber(ctx context.Context, c choice) (out []letter, err error) {
	slices.Sort(c.Sequences)
	for _, seq := range slices.Compact(c.Sequences) {
		l, err := a.find(ctx, c.tenant, seq)
		if err != nil {
			return nil, err
		}
		if l.decided.Verb != "" {
			return nil, fault.New(fault.Conflict, fault.LetterDecided, "letter "+strconv.FormatUint(seq, 10)+": "+l.decided.Verb+" by "+l.decided.By)
		}
		out = append(out, l)
	}
	return out, nil
}

func (a *API) dropDead(r *http.Request) (any, error) {
	c, err := a.chosen(r)
	if err != nil {
		return nil, err
	}
	if c.Reason == "" {
		return nil, wrongly("say why it is given up: --reason", "dropping a dead letter needs a reason")
	}
	return a.resolve(r.Context(), c, func(ctx context.Context, c choice, ls []letter) ([]adminapi.DeadResult, bool, error) {
		out, err := a.decided(ctx, "drop", c, ls)
		return out, true, err
	})
}

func (a *API) retryDead(r *http.Request) (any, error) {
	c, err := a.chosen(r)
	if err != nil {
		return nil, err
	}
	return a.resolve(r.Context(), c, a.retryLetters)
}

// retryLetters sends first and decides after: a crash in between leaves the letter open, and what is sent is harmless
// twice.
func (a *API) retryLetters(ctx context.Context, c choice, ls []letter) (out []adminapi.DeadResult, more bool, err error) {
	var sent []letter
	more = true
	for _, l := range ls {
		err := a.retry(ctx, c.tenant, l)
		if err == nil {
			sent = append(sent, l)
			continue
		}
		out = append(out, adminapi.DeadResult{Sequence: l.Seq, Code: string(fault.CodeOf(err)), Detail: err.Error(), Next: fault.NextOf(err)})
		if more = fault.KindOf(err) != fault.Transient; !more { // the others would fail as well
			break
		}
	}
	done, err := a.decided(ctx, "retry", c, sent)
	return append(done, out...), more, err
}

// decided stores what was decided about letters, with an audit entry each.
func (a *API) decided(ctx context.Context, verb string, c choice, ls []letter) ([]adminapi.DeadResult, error) {
	out := make([]adminapi.DeadResult, len(ls))
	rows, entries := make([]store.Letter, len(ls)), make([]audit.Entry, len(ls))
	outcome := audit.Started
	if verb == "drop" {
		outcome = audit.Rejected
	}
	for i, l := range ls {
		rows[i] = store.Letter{Sequence: l.Seq, Verb: verb, By: c.By, Reason: c.Reason, At: a.Now()}
		entries[i], out[i] = a.told(l, verb, c.By, c.Reason, outcome), adminapi.DeadResult{Sequence: l.Seq, Done: true}
	}
	if len(ls) == 0 {
		return out, nil
	}
	st, err := a.Bus.State(ctx, c.tenant)
	if err != nil {
		return nil, err
	}
	_, err = a.Store.DecideLetters(ctx, c.tenant, rows, st.Streams[bus.Dead].First, entries)
	return out, err
}

// openLetters counts the dead letters that nobody decided on.
func (a *API) openLetters(ctx context.Context, t tenant.ID, s bus.StreamState) (uint64, error) {
	n, err := a.Store.CountLetters(ctx, t, s.First)
	return s.Messages - min(uint64(n), s.Messages), err
}
