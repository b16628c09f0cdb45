package zendesk

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/secret"
)

// Auth is how the account is signed in to: ClientCredentials, AuthorizationCode or APIToken. The interface is closed so
// that each is known to hide its secret.
type Auth interface {
	validate() error
	session(c *client) session
}

// session gives the header of a request. renew is called after a 401 with the header that was refused and how often it
// was called for this request before; it answers false when there is nothing else to try.
type session interface {
	header(ctx context.Context) (secret.String, error)
	renew(ctx context.Context, refused secret.String, n int) (bool, error)
}

// maxRenewals is how often one request may meet a bearer that was replaced meanwhile.
const maxRenewals = 4

// APIToken signs in as a user (zendesk.md 5.2). API tokens stop on 2027-04-30.
type APIToken struct {
	Email string
	Token secret.String
}

// ClientCredentials is the OAuth grant for services (zendesk.md 5.4). Scopes default to read and write.
type ClientCredentials struct {
	ClientID string
	Secret   secret.String
	Scopes   []string
}

func (a APIToken) validate() error {
	if !strings.Contains(a.Email, "@") || !a.Token.IsSet() {
		return fmt.Errorf("zendesk.auth.api_token: want email and token")
	}
	return nil
}

func (a APIToken) session(*client) session {
	raw := base64.StdEncoding.EncodeToString([]byte(a.Email + "/token:" + a.Token.Reveal()))
	return fixed{secret.New("Basic " + raw)}
}

func (a ClientCredentials) validate() error {
	if a.ClientID == "" || !a.Secret.IsSet() {
		return fmt.Errorf("zendesk.auth.client_credentials: want client_id and client_secret")
	}
	return nil
}

func (a ClientCredentials) session(c *client) session {
	a.Scopes = orDefaultScopes(a.Scopes)
	return &tokens{auth: a, client: c, busy: newTurn()}
}

// fixed is a credential that cannot be renewed.
type fixed struct{ value secret.String }

func (f fixed) header(context.Context) (secret.String, error)         { return f.value, nil }
func (fixed) renew(context.Context, secret.String, int) (bool, error) { return false, nil }
