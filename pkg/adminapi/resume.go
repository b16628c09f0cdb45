package adminapi

import (
	"context"
	"net/http"
	"time"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Resume lets a tenant's writer go on after a safety stop.
type Resume struct {
	By     string `json:"by"`
	Reason string `json:"reason"` // what was repaired
}

// Resumed is the stop that ended.
type Resumed struct {
	Since  time.Time `json:"since"`
	Detail string    `json:"detail"`
}

// Resume lets the tenant's writer go on after a safety stop; it fails when there is none.
func (c *Client) Resume(ctx context.Context, t tenant.ID, r Resume) (Resumed, error) {
	var out Resumed
	return out, c.do(ctx, http.MethodPost, tenantPath(t, "resume"), r, &out)
}
