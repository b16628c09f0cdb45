package admin

import (
	"context"
	"net/http"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func (a *API) connection(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	return a.Connection(r.Context(), t)
}

func (a *API) connect(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	var in adminapi.Connect
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	return a.Connect(r.Context(), t, in.Actor)
}

// signIn tells how the tenant signs in to Zendesk. What a person must do is a problem when nothing is written until
// then, else a warning.
func (a *API) signIn(ctx context.Context, t tenant.ID, s *adminapi.TenantStatus) error {
	if a.Connection == nil {
		return nil
	}
	c, err := a.Connection(ctx, t)
	if err != nil {
		return err
	}
	s.Connection = &c
	switch {
	case c.Problem == nil:
	case !c.Problem.Hold:
		s.Warnings = append(s.Warnings, *c.Problem)
	default:
		for i := range s.Problems {
			if s.Problems[i].Code == c.Problem.Code {
				s.Problems[i].Next = c.Problem.Next // names the tenant
				return nil
			}
		}
		s.Problems = append(s.Problems, *c.Problem)
	}
	return nil
}
