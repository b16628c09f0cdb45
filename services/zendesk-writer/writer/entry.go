package writer

import (
	"errors"
	"strconv"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// entry explains one row. Its id is derived from what happened, so that a redelivered row is told once.
func (b *batch) entry(r result, end audit.Outcome) audit.Entry {
	e, ch := r.msg.Event, r.outcome.Change
	code, detail, next := ch.Code, ch.Why, ""
	if err := r.outcome.Err; err != nil {
		code, detail, next = string(fault.CodeOf(err)), detailOf(err), fault.NextOf(err)
	}
	switch end {
	case audit.Superseded:
		detail = "version " + strconv.FormatUint(r.link.Version, 10) + " is in the target already"
	case audit.Unchanged:
		if detail == "" {
			detail = "the target holds this already"
		}
	}
	parts := []string{string(end), string(ch.Verb), code}
	if e.Force {
		parts = append(parts, strconv.FormatUint(r.msg.Seq, 10))
	}
	verb := ch.Verb
	if verb == "" {
		verb = target.Nothing
	}
	return audit.Entry{ID: audit.ID(stage, r.ref, e.Version, parts...), Ref: r.ref, At: b.w.now(), Stage: stage,
		Verb: string(verb), Outcome: end, Code: code, Detail: detail, Next: next, Cause: e.Cause, Event: e.ID, Version: e.Version,
		Changes: ch.Diff, Request: r.outcome.Request}
}

func (b *batch) observe(r result, hold bool) store.Observation {
	err := r.outcome.Err
	return store.Observation{Ref: r.ref, Findings: []store.Finding{{Ref: r.ref, Stage: stage, Code: fault.CodeOf(err),
		Hold: hold, Detail: detailOf(err), Since: b.w.now(), At: b.w.now()}}}
}

func detailOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Detail != "" {
		return e.Detail
	}
	return err.Error()
}
