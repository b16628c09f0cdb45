package audit_test

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func stored() audit.Stored {
	return audit.Stored{Position: 7, Entry: audit.Entry{ID: "a", Ref: record.Ref{Kind: record.Employee, Key: "0001"}, At: time.Unix(1, 0),
		Stage: audit.Writer, Verb: "update", Outcome: audit.Applied, Code: "c", Detail: "d", Next: "n", Cause: "x", Event: "e", Version: 3,
		Changes: []audit.Change{{Field: "f", Before: "b", After: "a"}}, Explain: []string{"why"}, Request: "r"}}
}

func TestEveryPartOfAnEntryCountsInTheChain(t *testing.T) {
	edits := map[string]func(*audit.Stored){
		"position": func(s *audit.Stored) { s.Position++ }, "id": func(s *audit.Stored) { s.ID += "x" },
		"kind": func(s *audit.Stored) { s.Ref.Kind = record.Vendor }, "key": func(s *audit.Stored) { s.Ref.Key += "x" },
		"time": func(s *audit.Stored) { s.At = s.At.Add(time.Microsecond) }, "stage": func(s *audit.Stored) { s.Stage = audit.Poller },
		"verb": func(s *audit.Stored) { s.Verb = "create" }, "outcome": func(s *audit.Stored) { s.Outcome = audit.Dead },
		"code": func(s *audit.Stored) { s.Code = "" }, "detail": func(s *audit.Stored) { s.Detail = "" }, "next": func(s *audit.Stored) { s.Next = "" },
		"cause": func(s *audit.Stored) { s.Cause = "" }, "event": func(s *audit.Stored) { s.Event = "" }, "version": func(s *audit.Stored) { s.Version++ },
		"change before": func(s *audit.Stored) { s.Changes[0].Before = "" }, "change after": func(s *audit.Stored) { s.Changes[0].After = "" },
		"explanation": func(s *audit.Stored) { s.Explain = nil }, "request": func(s *audit.Stored) { s.Request = "" },
		"a value moved to its neighbour": func(s *audit.Stored) { s.Code, s.Detail = "cd", "" },
	}
	want := audit.Link("last", stored())
	for name, edit := range edits {
		s := stored()
		edit(&s)
		if audit.Link("last", s) == want {
			t.Errorf("%s: the chain did not notice", name)
		}
	}
	if audit.Link("other", stored()) == want {
		t.Error("the last hash does not count")
	}
	if audit.Link("last", stored()) != want {
		t.Error("the same entry must give the same hash")
	}
}
