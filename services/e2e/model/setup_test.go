package model

import (
	"context"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
)

// rules are what a customer decides about time; the model's own form of it.
type rules struct {
	zone  *time.Location
	lead  int           // days
	leave time.Duration // time of day
	lag   int           // days
}

// setup is the first step of a history: which customer this is. Without it, one with the default settings.
func (w *world) setup(s step) {
	switch s.B % 3 {
	case 1:
		w.policy.Mail = transform.Mail{InPlace: true}
	case 2:
		w.policy.Mail = transform.Mail{InPlace: true, Parking: "parking.example"}
	}
	if s.A%2 == 1 { // so tight that six people come to it
		w.policy.Limits = map[store.Change]transform.Limit{store.Suspension: {Floor: 1}, store.EmailChange: {Floor: 2}, store.Creation: {Floor: 2}}
		w.store.limits = map[store.Change]int{store.Suspension: 1, store.EmailChange: 2, store.Creation: 2}
	}
	w.polled = s.C%3 == 0
	w.blind = w.polled && s.C/3%4 < 2
	w.passed = w.today()
	w.timing(s.C / 3)
}

// timing is a policy about lead and lag.
func (w *world) timing(n int) {
	r := []rules{{}, {}, {}, {lead: 2}, {leave: 18 * time.Hour}, {lag: 1}}[n%6]
	r.zone = w.zone
	w.rules = r
	w.policy.HireLead, w.policy.LeaveAt, w.policy.LeaveDays = r.lead, r.leave, r.lag
}

// repolicy is a customer who changes the settings of a running system.
func (w *world) repolicy(s step) {
	w.policy.Version++
	if s.A%2 == 0 {
		w.timing(s.C)
		w.passed = "" // another lead shows other days
	} else {
		w.remap(s.B)
	}
	w.judge.blurAll()
	if err := w.service.Reresolve(context.Background(), w.tenant); err != nil && !w.transformer.gone() {
		panic(err)
	}
	w.again = true // a dead transformer does it at its next start, as the process does that was told of new settings
}

// remap lets the department stay as it is in the desk, or be managed again.
func (w *world) remap(n int) {
	w.policy.UserFields = map[string]string{"title": "user_fields.job_title"}
	if w.unmapped = n%2 == 0; !w.unmapped {
		w.policy.UserFields["department"] = "user_fields.department"
	}
}

// replay sends a range of what was told once more.
func (w *world) replay(s step) {
	w.bus.mu.Lock()
	defer w.bus.mu.Unlock()
	w.replays++
	from := len(w.bus.log) * (s.C % 10) / 10
	for _, m := range w.bus.log[from:min(len(w.bus.log), from+1+s.B*3)] {
		w.bus.enqueue(bus.Replayer, bus.Replay, event.Again(m.Event, fmt.Sprint("r", w.replays), m.Seq), m.Ref, false)
	}
}

// Read implements transform.Past.
func (w wire) Read(_ context.Context, t tenant.ID, _ bus.Stream, r bus.Range, limit int) (out bus.Excerpt, err error) {
	w = w.of(t)
	err = w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, m := range w.log {
			if m.Seq < r.From || r.To > 0 && m.Seq > r.To || r.Ref.Key != "" && m.Ref != r.Ref {
				continue
			}
			if len(out.Messages) == limit {
				out.Next = m.Seq
				break
			}
			out.Messages = append(out.Messages, m)
		}
		return nil
	})
	return out, err
}

// State implements transform.Flow.
func (w wire) State(_ context.Context, t tenant.ID) (st bus.State, err error) {
	w = w.of(t)
	st.Consumers = map[bus.Consumer]bus.ConsumerState{}
	err = w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for c, q := range w.queues {
			var s bus.ConsumerState
			for _, m := range q {
				if m.out == nil {
					s.Pending++
				} else {
					s.InFlight++
				}
				s.OldestAge = max(s.OldestAge, time.Since(m.msg.Stored)+1)
			}
			st.Consumers[c] = s
		}
		return nil
	})
	return st, err
}

// RaiseLedger implements transform.Lift. Nothing is ever lost here, so that nothing has to be raised.
func (b book) RaiseLedger(_ context.Context, t tenant.ID, above map[record.Ref]uint64) error {
	b = b.of(t)
	return b.do(func() { b.wrong = append(b.wrong, fmt.Sprintf("O5: rows were taken for lost: %v", above)) })
}
