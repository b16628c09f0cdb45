package admin

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	maxLetters = 1000 // shown in a list
	deadPage   = 500  // letters that are decided on together
	deadCause  = "dead-"
)

// letter is a dead letter with what was decided about it.
type letter struct {
	bus.Message
	dead    event.Dead
	decided store.Letter
}

// walk calls with every letter in order, until it answers false.
func (a *API) walk(ctx context.Context, t tenant.ID, r bus.Range, with func(letter) bool) error {
	for from := max(r.From, 1); from > 0; {
		part, err := a.Bus.Read(ctx, t, bus.Dead, bus.Range{From: from, To: r.To}, 500)
		if err != nil {
			return err
		}
		if len(part.Messages) == 0 {
			from = part.Next
			continue
		}
		list, err := a.Store.Letters(ctx, t, from, part.Messages[len(part.Messages)-1].Seq)
		if err != nil {
			return err
		}
		decided := make(map[uint64]store.Letter, len(list))
		for _, l := range list {
			decided[l.Sequence] = l
		}
		for _, m := range part.Messages {
			d, err := event.Payload[event.Dead](m.Event, event.DeadV1)
			if err == nil && !with(letter{m, d, decided[m.Seq]}) {
				return nil
			}
		}
		from = part.Next
	}
	return nil
}

func (a *API) dead(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	out := adminapi.DeadList{Groups: []adminapi.DeadGroup{}, Letters: []adminapi.DeadLetter{}}
	groups := map[[2]string]adminapi.DeadGroup{}
	err = a.walk(r.Context(), t, bus.Range{}, func(l letter) bool {
		if l.decided.Verb != "" {
			return true
		}
		key := [2]string{string(l.dead.Code), string(l.dead.Stage)}
		g, ok := groups[key]
		if !ok {
			g = adminapi.DeadGroup{Code: key[0], Stage: key[1], Oldest: l.Stored, Next: letterNext(t, l.dead)}
		}
		g.Letters++
		g.Newest = l.Stored
		groups[key] = g
		if len(out.Letters) < maxLetters {
			out.Letters = append(out.Letters, shownLetter(t, l))
		}
		return true
	})
	for g := range maps.Values(groups) {
		out.Groups = append(out.Groups, g)
	}
	slices.SortFunc(out.Groups, func(a, b adminapi.DeadGroup) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Stage, b.Stage))
	})
	return out, err
}

func shownLetter(t tenant.ID, l letter) adminapi.DeadLetter {
	out := adminapi.DeadLetter{Sequence: l.Seq, At: l.Stored, Code: string(l.dead.Code), Stage: string(l.dead.Stage), Kind: string(l.dead.Kind), Key: l.dead.Key,
		Detail: l.dead.Detail, Next: letterNext(t, l.dead), Stream: l.dead.Stream, Place: l.dead.Sequence, Attempts: l.dead.Attempts, Cause: l.Event.Cause,
		Decided: l.decided.Verb, By: l.decided.By, Reason: l.decided.Reason}
	if n, ok := strings.CutPrefix(l.Event.Cause, "replay/"+deadCause); ok {
		out.Again, _ = strconv.ParseUint(n, 10, 64)
	}
	return out
}

// one reads the letter of the path.
func (a *API) one(r *http.Request) (tenant.ID, letter, error) {
	t, err := a.tenant(r)
	if err != nil {
		return t, letter{}, err
	}
	seq, err := strconv.ParseUint(r.PathValue("letter"), 10, 64)
	if err != nil || seq == 0 {
		return t, letter{}, wrong("letter %q: want its number", r.PathValue("letter"))
	}
	l, err := a.find(r.Context(), t, seq)
	return t, l, err
}

func (a *API) find(ctx context.Context, t tenant.ID, seq uint64) (found letter, err error) {
	err = a.walk(ctx, t, bus.Range{From: seq, To: seq}, func(l letter) bool { found = l; return false })
	if err == nil && found.Seq != seq {
		err = &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "there is no dead letter " + strconv.FormatUint(seq, 10),
			Next: "list them with `ml-connector dead list <tenant>`", Err: store.ErrNotFound}
	}
	return found, err
}

func (a *API) letter(r *http.Request) (any, error) {
	t, l, err := a.one(r)
	return detail(t, l), err
}

func detail(t tenant.ID, l letter) adminapi.DeadDetail {
	return adminapi.DeadDetail{Letter: shownLetter(t, l), Original: string(l.dead.Original), Raw: base64.StdEncoding.EncodeToString(l.dead.Raw)}
}

// reveal opens what the ingress sealed. The audit trail tells about it before anybody sees it.
func (a *API) reveal(r *http.Request) (any, error) {
	t, l, err := a.one(r)
	if err != nil {
		return nil, err
	}
	var in adminapi.By
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.By = strings.TrimSpace(in.By); in.By == "" {
		return nil, wrong("opening a message needs `by`, who asks")
	}
	if a.Unseal == nil || l.dead.Stage != audit.Listener || l.dead.Original == nil {
		return nil, wrong("letter %d holds nothing that is sealed: `dead show` shows all of it", l.Seq)
	}
	plain, err := a.Unseal(r.Context(), t, l.Event.ID, l.dead.Original)
	if err != nil {
		return nil, err
	}
	at := a.Now()
	e := a.told(l, "reveal", in.By, "", audit.Finished)
	e.ID = audit.ID(audit.Operator, e.Ref, 0, "reveal", l.Event.ID, at.UTC().String(), in.By) // each look is told
	if err := a.Store.Append(r.Context(), t, []audit.Entry{e}); err != nil {
		return nil, err
	}
	out := detail(t, l)
	out.Revealed = string(plain)
	return out, nil
}

// letterNext is what to do about a letter. A message of the ingress has no query whose columns could be compared.
func letterNext(t tenant.ID, d event.Dead) string {
	if d.Stage == audit.Listener && d.Code == fault.SourceSchema {
		return "see with `dead show --reveal` what the message holds and with `ml-connector ib verify-sample` what is read of it; map the site's own names under peoplesoft.ib.aliases, records or fields, then retry it"
	}
	return next(t, d.Code)
}

// told is the audit entry about what a person did with a letter.
func (a *API) told(l letter, verb, by, reason string, outcome audit.Outcome) audit.Entry {
	ref := record.Ref{Kind: l.dead.Kind, Key: l.dead.Key}
	if ref.Key == "" {
		ref = record.Ref{Kind: connection, Key: "dead." + strconv.FormatUint(l.Seq, 10)}
	}
	text := verb + " of dead letter " + strconv.FormatUint(l.Seq, 10) + " (" + string(l.dead.Code) + " of " + string(l.dead.Stage) + ") by " + by
	if reason != "" {
		text += ": " + reason
	}
	return audit.Entry{ID: audit.ID(audit.Operator, ref, 0, "dead", verb, l.Event.ID, strconv.FormatUint(l.Seq, 10)), Ref: ref, At: a.Now(), Stage: audit.Operator,
		Verb: verb, Outcome: outcome, Code: string(l.dead.Code), Detail: text, Cause: "person/" + by, Event: l.Event.ID}
}
