package zendesk

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Check implements target.Target; placeholder body follows.
func (t *Target) Check(ctx context.Context, _ tenant.ID) []check.Step { return nil }

// Fixer x.
type Fixer interface{}

func (t *Target) me(ctx context.Context) (wireUser, error) {
	var a userAnswer
	_, err := t.client.do(ctx, call{method: "GET", path: "/api/v2/users/me", out: &a})
	return a.User, err
}
