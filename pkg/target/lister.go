package target

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Object is what an account holds, as far as it matters for telling whom it stands for.
type Object struct {
	ID         string
	ExternalID string
	Name       string
	Email      string // in lower case; "" for an organization
	Staff      bool   // an agent, an admin or the owner: never ours to change
}

// Lister is an optional ability of a target, asked for by type assertion: it shows every object of the account that
// could stand for records of a kind, a page at a time, removed ones left out. An error of see ends it and is answered.
// An object that changes meanwhile may be shown twice.
type Lister interface {
	List(ctx context.Context, t tenant.ID, kind record.Kind, see func([]Object) error) error
}
