package target

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Fixer is an optional ability of a target, asked for by type assertion: it creates the custom fields that the mapping
// names and the account lacks, in the shape that the settings say or as plain text fields. One step for each field that was missing; none when all exist.
type Fixer interface {
	FixFields(ctx context.Context, t tenant.ID) []check.Step
}
