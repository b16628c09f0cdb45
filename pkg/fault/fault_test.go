package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

func TestClassification(t *testing.T) {
	rate := &fault.Error{Kind: fault.RateLimited, Code: fault.TargetRate, After: 7 * time.Second}
	cases := map[string]struct {
		err  error
		kind fault.Kind
		code fault.Code
	}{
		"an unclassified error is our bug":    {errors.New("x"), fault.Internal, fault.Unclassified},
		"an ended context is tried again":     {fmt.Errorf("read: %w", context.Canceled), fault.Transient, fault.Unclassified},
		"a wrapped fault keeps kind and code": {fmt.Errorf("apply: %w", rate), fault.RateLimited, fault.TargetRate},
		"the outer fault decides":             {fault.Wrap(rate, fault.Invalid, fault.TargetInvalid, "x"), fault.Invalid, fault.TargetInvalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if k := fault.KindOf(c.err); k != c.kind {
				t.Errorf("kind = %s, want %s", k, c.kind)
			}
			if k := fault.CodeOf(c.err); k != c.code {
				t.Errorf("code = %s, want %s", k, c.code)
			}
		})
	}
	if d := fault.AfterOf(fmt.Errorf("w: %w", rate)); d != 7*time.Second {
		t.Errorf("After = %v", d)
	}
}

func TestErrorReadsAsAPath(t *testing.T) {
	err := &fault.Error{Op: "poll acme/employees", Code: fault.SourceDown, Detail: "HTTP 503", Err: errors.New("eof")}
	if got, want := err.Error(), "poll acme/employees: SRC_DOWN HTTP 503: eof"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestEveryCodeHasAdvice(t *testing.T) {
	for _, c := range fault.Codes() {
		if c.Next() == "" {
			t.Errorf("%s has no advice", c)
		}
	}
	if fault.Code("NEW").Next() == "" {
		t.Error("an unknown code must still say something")
	}
}
