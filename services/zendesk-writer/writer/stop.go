package writer

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// standing fails when the tenant's writers were stopped, by this process or another one.
func (w *Writer) standing(ctx context.Context, t tenant.ID) error {
	detail, err := stopped(ctx, w.store, t)
	if err != nil || detail == "" {
		return err
	}
	return &fault.Error{Kind: fault.Internal, Code: fault.SafetyStop, Detail: detail, Err: errStopped}
}

var errStopped = errors.New("the tenant's writers were stopped before")

type findings interface {
	Findings(ctx context.Context, t tenant.ID, q store.FindingQuery) ([]store.Finding, error)
}

// stopped is why the tenant's writers stand still; "" when they do not.
func stopped(ctx context.Context, s findings, t tenant.ID) (string, error) {
	ref := store.WriterStop()
	found, err := s.Findings(ctx, t, store.FindingQuery{Kind: ref.Kind, Key: ref.Key, Code: fault.SafetyStop})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].Detail, nil
}

// Await returns when the tenant's writers may write: after a safety stop not before a person let them go on. It looks
// again every so often, and ends with ctx. A store that does not answer lets nobody pass.
func Await(ctx context.Context, s findings, t tenant.ID, every time.Duration, tell func(why string)) error {
	for told := false; ; told = true {
		why, err := stopped(ctx, s, t)
		if err != nil || why == "" {
			return err
		}
		if !told {
			tell(why)
		}
		wait(ctx, every)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// tellStop stores the stop with its audit entry, until it is stored or ctx ends; what could not be stored is met again
// by whoever writes next.
func (w *Writer) tellStop(ctx context.Context, t tenant.ID) (told bool) {
	f := w.halted.Load()
	if errors.Is(f, errStopped) {
		return true
	}
	for failed := 0; ; failed++ {
		book, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTell)
		_, err := w.store.CommitBatch(book, t, "", w.stopCommit(f))
		cancel()
		if err == nil {
			return true
		}
		w.log.Error("safety stop not stored", "tenant", t, "err", err)
		if ctx.Err() != nil {
			return false
		}
		wait(ctx, doubled(w.opt.Backoff, failed, ownTrouble))
	}
}

const stopTell = 5 * time.Second

func (w *Writer) stopCommit(f *fault.Error) store.Commit {
	ref, now := store.WriterStop(), w.now()
	return store.Commit{
		Entries: []audit.Entry{{ID: audit.ID(stage, ref, 0, w.life.epoch, "stop"), Ref: ref, At: now, Stage: stage, Verb: "stop", Outcome: audit.Failed,
			Code: string(f.Code), Detail: f.Detail, Next: fault.NextOf(f), Cause: "epoch/" + w.life.epoch}},
		Observations: []store.Observation{{Ref: ref, Findings: []store.Finding{{Ref: ref, Stage: stage, Code: f.Code, Hold: true, Detail: f.Detail, Since: now, At: now}}}},
	}
}
