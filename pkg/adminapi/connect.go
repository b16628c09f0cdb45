package adminapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// CallbackPath is where Zendesk sends a person back after a consent, on the operators' address.
const CallbackPath = "/oauth/zendesk/callback"

// Configured is the state of a connection that needs no consent: what is sealed is used as it is. The other states are
// connected, reauth_required and not_connected.
const Configured = "configured"

// Connection is how the tenant signs in to Zendesk.
type Connection struct {
	Method       string     `json:"method"` // client_credentials, authorization_code, api_token
	State        string     `json:"state"`
	Account      string     `json:"account"`                 // base URL
	Since        *time.Time `json:"since,omitempty"`         // of the present tokens, or of the moment at which they were found useless
	Scopes       []string   `json:"scopes,omitempty"`        // as granted
	AccessUntil  *time.Time `json:"access_until,omitempty"`  // renewed before
	RefreshUntil *time.Time `json:"refresh_until,omitempty"` // renewed before
	EndsInDays   *int       `json:"ends_in_days,omitempty"`  // of API tokens
	Consents     int64      `json:"consents"`                // how many people gave so far
	Problem      *Problem   `json:"problem,omitempty"`       // what a person must do; Hold when nothing is written until then
	Tried        *Problem   `json:"tried,omitempty"`         // why the last consent was of no use
}

// Connect asks for a consent.
type Connect struct {
	Actor string `json:"actor,omitempty"`
}

// Connecting is a consent that was asked for.
type Connecting struct {
	URL      string    `json:"url"`      // a person opens it and signs in to Zendesk
	Redirect string    `json:"redirect"` // must be a redirect URL of the OAuth client
	Asked    time.Time `json:"asked"`
	Until    time.Time `json:"until"`
	Consents int64     `json:"consents"` // before this one
}

// Connection reads how the tenant signs in to Zendesk.
func (c *Client) Connection(ctx context.Context, t tenant.ID) (Connection, error) {
	var out Connection
	return out, c.do(ctx, http.MethodGet, "/tenants/"+url.PathEscape(string(t))+"/connection", nil, &out)
}

// Connect asks for a consent to the tenant's Zendesk account.
func (c *Client) Connect(ctx context.Context, t tenant.ID, actor string) (Connecting, error) {
	var out Connecting
	return out, c.do(ctx, http.MethodPost, "/tenants/"+url.PathEscape(string(t))+"/connect", Connect{actor}, &out)
}
