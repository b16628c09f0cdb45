package natsbus

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// PutWanted stores each event whose version is above what the table holds. One Put per event; a lower version of a
// record within the same call ends as its highest one does. The error is about the broker: some events may be stored
// then, and the whole call can be repeated.
func (b *Bus) PutWanted(ctx context.Context, t tenant.ID, events []event.Event) ([]bus.Put, error) {
	if err := checkTenant(t); err != nil {
		return nil, err
	}
	puts := make([]bus.Put, len(events))
	best := map[string]int{} // subject to index of the highest version
	at := make([]string, len(events))
	for i, e := range events {
		ref, err := wantedRef(t, e)
		if err != nil {
			puts[i].Err = err
			continue
		}
		at[i] = refSubject(wordTable, t, ref)
		if j, ok := best[at[i]]; !ok || events[j].Version < e.Version {
			best[at[i]] = i
		}
	}
	rows := make([]row, 0, len(best))
	for i, e := range events {
		if at[i] != "" && best[at[i]] == i {
			rows = append(rows, putRow(t, at[i], e, &puts[i]))
		}
	}
	if err := b.casRows(ctx, t, fmt.Sprintf("put wanted %s", t), rows); err != nil {
		return nil, err
	}
	for i := range events {
		if at[i] != "" && best[at[i]] != i {
			puts[i].Err = puts[best[at[i]]].Err
		}
	}
	return puts, nil
}

func wantedRef(t tenant.ID, e event.Event) (record.Ref, error) {
	if e.Type != event.WantedV1 || e.Tenant != t {
		return record.Ref{}, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("event %s: type %q of tenant %q in the table of %q", e.ID, e.Type, e.Tenant, t))
	}
	return named(e)
}

func putRow(t tenant.ID, subj string, e event.Event, put *bus.Put) row {
	return row{
		subject: subj, size: len(e.Data),
		make: func(cur *jetstream.RawStreamMsg) (*nats.Msg, error) {
			if v, ok := versionOf(cur); ok && v >= e.Version {
				return nil, nil
			}
			return encode(t, subj, e)
		},
		done: func(stored bool, err error) { put.Stored, put.Err = stored, err },
	}
}

// versionOf is the version that the table holds; false when there is nothing of ours.
func versionOf(m *jetstream.RawStreamMsg) (uint64, bool) {
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseUint(m.Header.Get(hdrVersion), 10, 64)
	return v, err == nil
}

// Wanted returns the table's state of a record.
func (b *Bus) Wanted(ctx context.Context, t tenant.ID, ref record.Ref) (event.Event, error) {
	m, err := b.last(ctx, t, bus.Directory, refSubject(wordTable, t, ref))
	if err != nil {
		return event.Event{}, err
	}
	if m == nil {
		return event.Event{}, bus.ErrNone
	}
	e, err := event.Decode(m.Data)
	if err != nil {
		return event.Event{}, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "wanted state of "+ref.String())
	}
	return e, nil
}

// touchMark separates an event's id from the sequence that a touch repeats.
const touchMark = "/touch/"

// Touch stores each record's present state again with Force set; the version stays, so a newer state always wins.
func (b *Bus) Touch(ctx context.Context, t tenant.ID, cause string, refs []record.Ref) error {
	if err := checkTenant(t); err != nil {
		return err
	}
	var first error
	rows := make([]row, 0, len(refs))
	for _, ref := range unique(refs) {
		subj := refSubject(wordTable, t, ref)
		rows = append(rows, row{subject: subj, size: event.MaxSize / 100,
			make: func(cur *jetstream.RawStreamMsg) (*nats.Msg, error) { return touched(t, subj, cause, cur) },
			done: func(_ bool, err error) {
				if first == nil {
					first = err
				}
			}})
	}
	if err := b.casRows(ctx, t, fmt.Sprintf("touch %s", t), rows); err != nil {
		return err
	}
	return first
}

func touched(t tenant.ID, subj, cause string, cur *jetstream.RawStreamMsg) (*nats.Msg, error) {
	if cur == nil {
		return nil, nil
	}
	e, err := event.Decode(cur.Data)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "touch "+subj)
	}
	id, _, _ := strings.Cut(e.ID, touchMark)
	e.ID = id + touchMark + strconv.FormatUint(cur.Sequence, 10)
	e.Cause, e.Force = cause, true
	return encode(t, subj, e)
}

func unique(refs []record.Ref) []record.Ref {
	seen := make(map[record.Ref]bool, len(refs))
	out := make([]record.Ref, 0, len(refs))
	for _, r := range refs {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	return out
}
