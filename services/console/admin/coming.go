package admin

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// coming adds what changes by itself soon, where this process can compute it.
func (a *API) coming(ctx context.Context, t tenant.ID, s *adminapi.TenantStatus) error {
	if a.Coming == nil {
		return nil
	}
	c, err := a.Coming(ctx, t)
	if err == nil {
		s.Coming = &c
	}
	return err
}
