package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// Facts that contradict themselves become a dead letter. Retried without a fix they come back as a letter that names
// the first; dropping needs a reason; what was decided on leaves the list.
func TestADeadLetterIsRetriedAndDropped(t *testing.T) {
	w := newWorld(t, 5, 2)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	ref := record.Ref{Kind: record.Employee, Key: "0009999"}
	e, err := event.With(event.Event{ID: "poison", Source: "test", Type: event.FactsV1, Subject: ref.String(), Time: time.Now().UTC(), Tenant: acme, Cause: "cycle/x"},
		event.Facts{Kind: ref.Kind, Key: "0008888"}) // another record than its subject
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sys.Core.Bus.PublishFacts(t.Context(), acme, e); err != nil {
		t.Fatal(err)
	}
	list := w.letters(t, 1)
	first := list.Letters[0]
	if g := list.Groups[0]; g.Letters != 1 || g.Code != "POISON" || g.Stage != "transformer" || g.Next == "" {
		t.Errorf("group %+v", g)
	}
	if d, err := w.client.DeadLetter(t.Context(), acme, first.Sequence); err != nil || !strings.Contains(d.Original, "0008888") {
		t.Errorf("letter %+v, %v", d, err)
	}
	if _, err := w.client.DropDead(t.Context(), acme, adminapi.DeadChoice{All: true, By: "test"}); err == nil {
		t.Error("dropped without a reason")
	}
	res, err := w.client.RetryDead(t.Context(), acme, adminapi.DeadChoice{Code: "POISON", By: "test"})
	if err != nil || len(res) != 1 || !res[0].Done {
		t.Fatalf("retry %+v, %v", res, err)
	}
	until(t, time.Minute, "it fails again", func() bool {
		l, err := w.client.DeadLetters(t.Context(), acme)
		return err == nil && len(l.Letters) == 1 && l.Letters[0].Again == first.Sequence
	})
	if _, err := w.client.RetryDead(t.Context(), acme, adminapi.DeadChoice{Sequences: []uint64{first.Sequence}, By: "test"}); err == nil {
		t.Error("a letter was retried twice")
	}
	if _, err := w.client.DropDead(t.Context(), acme, adminapi.DeadChoice{All: true, By: "test", Reason: "not ours"}); err != nil {
		t.Fatal(err)
	}
	w.letters(t, 0)
	w.noDead(t)
}

// A letter whose cause was repaired is applied once.
func TestARetriedLetterIsAppliedOnce(t *testing.T) {
	w := newWorld(t, 5, 2)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	before := len(w.ZD.Effects())
	part, err := w.sys.Core.Bus.Read(t.Context(), acme, bus.ERP, bus.Range{}, 1)
	if err != nil || len(part.Messages) == 0 {
		t.Fatal(err)
	}
	m := part.Messages[0]
	w.bury(t, m.Event, event.Dead{Stage: audit.Transformer, Kind: m.Ref.Kind, Key: m.Ref.Key, Stream: "ERP_acme", Sequence: m.Seq})
	w.letters(t, 1)
	if _, err := w.client.RetryDead(t.Context(), acme, adminapi.DeadChoice{All: true, By: "test"}); err != nil {
		t.Fatal(err)
	}
	w.quiet(t)
	w.letters(t, 0)
	if n := len(w.ZD.Effects()) - before; n != 0 {
		t.Errorf("%d writes, want none: the state was there", n)
	}
	w.agree(t)
}

// A decision about all goes through every page of letters, and takes none that came after it began.
func TestAllLettersAreDecidedOn(t *testing.T) {
	const many = 1203
	w := newWorld(t, 3, 1)
	w.apply(t)
	for i := range many {
		ref := record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%07d", i)}
		d, err := event.With(event.Event{ID: fmt.Sprintf("dead/transformer/ERP_acme/%d", i), Source: "test", Type: event.DeadV1, Subject: ref.String(), Time: time.Now().UTC(), Tenant: acme},
			event.Dead{Stage: "transformer", Kind: ref.Kind, Key: ref.Key, Code: "POISON", Stream: "ERP_acme", Sequence: uint64(i + 1), Attempts: 8, Raw: []byte("{")})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.sys.Core.Bus.Publish(t.Context(), acme, bus.Dead, d); err != nil {
			t.Fatal(err)
		}
	}
	res, err := w.client.RetryDead(t.Context(), acme, adminapi.DeadChoice{All: true, By: "test"})
	if err != nil || len(res) != many || slices.ContainsFunc(res, func(r adminapi.DeadResult) bool { return r.Done || r.Code != "BAD_ENVELOPE" || r.Next == "" }) {
		t.Fatalf("%d results of a retry that cannot be, %v", len(res), err)
	}
	res, err = w.client.DropDead(t.Context(), acme, adminapi.DeadChoice{Code: "POISON", By: "test", Reason: "made by a test"})
	if err != nil || len(res) != many || slices.ContainsFunc(res, func(r adminapi.DeadResult) bool { return !r.Done }) {
		t.Fatalf("%d results of a drop, %v", len(res), err)
	}
	w.letters(t, 0)
	w.noDead(t)
}

// letters waits until so many letters are open.
func (w *world) letters(t testing.TB, n int) (list adminapi.DeadList) {
	t.Helper()
	until(t, time.Minute, "the letters are there", func() (ok bool) {
		var err error
		list, err = w.client.DeadLetters(t.Context(), acme)
		return err == nil && len(list.Letters) == n
	})
	return list
}
