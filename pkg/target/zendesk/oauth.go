package zendesk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// AuthorizationCode signs in with what a person consented to: an access token that is renewed by a refresh token, both
// replaced by each renewal (zendesk.md 5.5). Until somebody consents, and whenever only a person can go on, every call
// fails with REAUTH_REQUIRED, without asking Zendesk.
type AuthorizationCode struct {
	ClientID string
	Secret   secret.String
	Scopes   []string // default read and write
	Grants   Grants
	Repair   string // what a person does about REAUTH_REQUIRED; "" takes the advice of the code
}

func (a AuthorizationCode) validate() error {
	if a.ClientID == "" || !a.Secret.IsSet() || a.Grants == nil {
		return fmt.Errorf("zendesk.auth.authorization_code: want client_id and client_secret")
	}
	return nil
}

func (a AuthorizationCode) session(c *client) session {
	a.Scopes = orDefaultScopes(a.Scopes)
	return &rotating{auth: a, client: c, busy: newTurn()}
}

func orDefaultScopes(s []string) []string {
	if len(s) == 0 {
		return []string{"read", "write"}
	}
	return s
}

// reauth is the fault that only a person's consent ends.
func (a AuthorizationCode) reauth(cause string) error {
	return &fault.Error{Kind: fault.Auth, Code: fault.TargetReauth, Detail: cause, Next: a.Repair}
}

// Ask is a consent to be asked for: a person opens URL. Verifier stays here, sealed, until the answer comes back.
type Ask struct {
	URL      string
	Verifier secret.String
}

// Ask prepares a consent with PKCE (S256). state comes back with the answer; redirect must be registered with the OAuth
// client exactly as it stands here.
func (t *Target) Ask(state secret.String, redirect string) (Ask, error) {
	a, err := t.consenting()
	if err != nil {
		return Ask{}, err
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return Ask{}, err
	}
	verifier := base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(verifier))
	u := *t.client.base
	u.Path, u.RawQuery = "/oauth/authorizations/new", url.Values{
		"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {redirect}, "scope": {strings.Join(orDefaultScopes(a.Scopes), " ")},
		"state": {state.Reveal()}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	return Ask{URL: u.String(), Verifier: secret.New(verifier)}, nil
}

func (t *Target) consenting() (AuthorizationCode, error) {
	a, is := t.cfg.Auth.(AuthorizationCode)
	if !is {
		return a, fault.New(fault.Config, fault.BadConfig, "zendesk.auth is not authorization_code: there is nothing to connect")
	}
	return a, nil
}

// Consented is what a person's consent gave, for the audit trail.
type Consented struct {
	User   int64 // whom the tokens act for
	Scopes []string
}

// Accept changes the code of a consent into tokens, and keeps them if they are what was asked for: exactly the scopes
// (failures.md 5.12), of an admin. Else it fails and the tokens that were in use before stay in use.
func (t *Target) Accept(ctx context.Context, code, verifier secret.String, redirect string) (Consented, error) {
	a, err := t.consenting()
	if err != nil {
		return Consented{}, err
	}
	scopes := orDefaultScopes(a.Scopes)
	got, err := t.client.askToken(ctx, map[string]any{
		"grant_type": "authorization_code", "code": code.Reveal(), "client_id": a.ClientID, "client_secret": a.Secret.Reveal(),
		"redirect_uri": redirect, "scope": strings.Join(scopes, " "), "code_verifier": verifier.Reveal(),
		"expires_in": tokenLife, "refresh_token_expires_in": refreshLife,
	})
	if err != nil {
		return Consented{}, err
	}
	w, err := readToken(got)
	if err != nil {
		return Consented{}, err
	}
	g := newGrant(t.cfg.BaseURL, a.ClientID, w, time.Now())
	if g.scope, err = t.grantedScope(ctx, g); err != nil {
		return Consented{}, err
	}
	if err := sameScopes(scopes, g.scope); err != nil {
		return Consented{}, err
	}
	user, err := t.consenter(ctx, g)
	if err != nil {
		return Consented{}, err
	}
	return Consented{User: user, Scopes: strings.Fields(g.scope)}, a.install(ctx, g)
}

const refreshLife = 7776000 // seconds: the longest that Zendesk grants (zendesk.md 5.5)

// grantedScope reads the scopes back from the account; where it does not tell, the answer itself is believed.
func (t *Target) grantedScope(ctx context.Context, g grant) (string, error) {
	current, status, err := t.client.current(ctx, g.header())
	switch {
	case err != nil:
		return "", err
	case status == http.StatusOK && len(current.Scopes) > 0:
		return strings.Join(current.Scopes, " "), nil
	case g.scope == "":
		return "", fault.New(fault.Auth, fault.TargetForbidden, "Zendesk does not tell which scopes it granted")
	}
	return g.scope, nil
}

// sameScopes refuses less than was asked for, because writing would fail, and more, because nobody asked for it.
func sameScopes(asked []string, granted string) error {
	for s := range strings.FieldsSeq(granted) {
		if !slices.Contains(asked, s) {
			return &fault.Error{Kind: fault.Auth, Code: fault.TargetForbidden, Detail: "the consent gave the scope " + clean(s) + ", which was not asked for",
				Next: "set the allowed scopes of the OAuth client in Admin Center to those of the tenant file, then connect again"}
		}
	}
	if missing := missingScopes(asked, granted); missing != "" {
		return &fault.Error{Kind: fault.Auth, Code: fault.TargetForbidden, Detail: "the consent did not give the scope " + missing,
			Next: "allow the OAuth client the scopes of the tenant file, then connect again"}
	}
	return nil
}

// consenter wants the tokens to act for an admin, or for an agent with a custom role (zendesk.md 5.6).
func (t *Target) consenter(ctx context.Context, g grant) (int64, error) {
	var a userAnswer
	got, err := t.client.as(ctx, "/api/v2/users/me", g.header())
	if err != nil {
		return 0, err
	}
	if got.Status != http.StatusOK || json.Unmarshal(got.Body, &a) != nil {
		return 0, fault.New(fault.Auth, fault.TargetAuth, "Zendesk does not take the tokens that it has just given: "+statusText(got.Status))
	}
	if u := a.User; u.ID <= 0 || u.Suspended || u.Role != "admin" && (u.Role != "agent" || u.CustomRoleID == nil) {
		return 0, &fault.Error{Kind: fault.Auth, Code: fault.TargetForbidden, Detail: "who consented is " + article(clean(u.Role)) + ": want an admin",
			Next: "sign in to Zendesk as the service admin, then connect again"}
	}
	return a.User.ID, nil
}

// install keeps a pair that a person consented to, whatever was there before.
func (a AuthorizationCode) install(ctx context.Context, g grant) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistFor)
	defer cancel()
	for n := 0; ; n++ {
		text, version, err := a.Grants.Grant(ctx)
		if err == nil && version > 0 {
			if old, bad := readGrant(text); bad == nil && old.is(g.header()) {
				return nil // stored, and only the answer was lost
			}
		}
		if err == nil {
			err = a.Grants.Keep(ctx, g.text(), version)
		}
		if err == nil {
			return nil
		}
		if wait := pause(ctx, backoff(100*time.Millisecond, n)); wait != nil {
			return err
		}
	}
}
