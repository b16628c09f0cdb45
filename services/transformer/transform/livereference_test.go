package transform

import (
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// department is the department that the table holds for the record.
func (s *stage) department(t *testing.T, ref record.Ref) string {
	t.Helper()
	e, err := s.bus.Wanted(t.Context(), acme, ref)
	if err != nil {
		return ""
	}
	w, err := event.Payload[event.Wanted](e, event.WantedV1)
	if err != nil {
		t.Fatal(err)
	}
	return w.User.Fields["user_fields.department"]
}

func (s *stage) all(t *testing.T, people int, department string) func() bool {
	return func() bool {
		for i := range people {
			if s.department(t, employee(i)) != department {
				return false
			}
		}
		return true
	}
}

// On the real broker and store: a text that comes after the people, one that changes while two transformers are
// stopped and replaced, and one that becomes effective at midnight without any message. Everybody follows each time.
func TestLiveReferenceData(t *testing.T) {
	s := openStage(t)
	now := time.Now().UTC()
	s.policy.Zone = time.FixedZone("soon", int(now.Truncate(24*time.Hour).Add(24*time.Hour).Sub(now.Add(8*time.Second)).Seconds()))
	tomorrow := erp.Today(now.Add(time.Minute), s.policy.Zone)
	const people = 150
	stop := s.run(t, 2)
	var ms []bus.Message
	for i := range people {
		ms = append(ms, message(t, fmt.Sprint("p", i), employee(i), member()...))
	}
	s.send(t, ms...)
	s.send(t, message(t, "f1", finance(), text("2020-01-01", "Finance")))
	eventually(t, "the text reaches everybody", s.all(t, people, "Finance"))
	s.send(t, message(t, "f2", finance(), text("2020-01-01", "Finances", "stamp=2026-01-02T00:00:00.000000"), text(tomorrow, "Treasury")))
	eventually(t, "the new text reaches the first", func() bool { return s.department(t, employee(0)) == "Finances" })
	stop()
	defer s.run(t, 2)()
	eventually(t, "the new text reaches everybody on its day", s.all(t, people, "Treasury"))
	if erp.Today(time.Now(), s.policy.Zone) != tomorrow {
		t.Error("before its day")
	}
	eventually(t, "everything settled", func() bool {
		open, err := s.ledger.Unpublished(t.Context(), acme, 10)
		return err == nil && len(open) == 0 && s.quiet(t)
	})
	trail, err := s.ledger.Trail(t.Context(), acme, audit.Query{Ref: finance()})
	if err != nil || len(trail) != 3 {
		t.Errorf("%d entries about the department, want one for each text, %v", len(trail), err)
	}
}

// All of them want one email, then all but two get one of their own: while two transformers work on them side by side.
func TestLiveSharedEmail(t *testing.T) {
	s := openStage(t)
	defer s.run(t, 2)()
	const people = 60
	open := func() int {
		n, err := s.ledger.FindingCounts(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		return n[fault.SharedEmail]
	}
	var one, own []bus.Message
	for i := range people {
		one = append(one, message(t, fmt.Sprint("a", i), employee(i), named("x@example.com")...))
		if i >= 2 {
			own = append(own, message(t, fmt.Sprint("b", i), employee(i), mail(fmt.Sprintf("x%d@example.com", i))))
		}
	}
	svc := s.service()
	recheck := func(want int) func() bool { // as the sweep does, a minute later
		return func() bool { return svc.Recheck(t.Context(), acme) == nil && open() == want }
	}
	s.send(t, one...)
	eventually(t, "all settled", func() bool { return s.quiet(t) })
	eventually(t, "all flagged", recheck(people))
	s.send(t, own...)
	eventually(t, "all settled again", func() bool { return s.quiet(t) })
	eventually(t, "two left", recheck(2))
	list, err := s.ledger.Findings(t.Context(), acme, store.FindingQuery{Code: fault.SharedEmail})
	if err != nil || len(list) != 2 || list[0].Ref != employee(0) || list[1].Ref != employee(1) {
		t.Errorf("%+v, %v", list, err)
	}
}
