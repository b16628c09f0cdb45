package zendesk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// tokens fetches and keeps the bearer of the client_credentials grant. One fetch at a time; waiting ends with ctx.
type tokens struct {
	auth   ClientCredentials
	client *client
	busy   turn // held while somebody owns the fields below
	value  secret.String
	until  time.Time // renew from here on; zero = no expiry
	form   bool      // the JSON body was refused once: send forms
}

type wireToken struct {
	AccessToken      string `json:"access_token"`
	RefreshToken     string `json:"refresh_token"`
	Scope            string `json:"scope"`
	ExpiresIn        int64  `json:"expires_in"`
	RefreshExpiresIn int64  `json:"refresh_token_expires_in"`
}

const tokenLife = 172800 // seconds: the longest that Zendesk grants (zendesk.md 5.4)

func (k *tokens) header(ctx context.Context) (secret.String, error) {
	if err := k.busy.take(ctx); err != nil {
		return secret.String{}, err
	}
	defer k.busy.give()
	if k.value.IsSet() && (k.until.IsZero() || time.Now().Before(k.until)) {
		return k.value, nil
	}
	return k.value, k.fetch(ctx)
}

// renew drops a refused bearer and fetches another, unless somebody else has done so already.
func (k *tokens) renew(ctx context.Context, refused secret.String, n int) (bool, error) {
	if n > 0 {
		return false, nil
	}
	if err := k.busy.take(ctx); err != nil {
		return false, err
	}
	defer k.busy.give()
	if k.value.Reveal() != refused.Reveal() {
		return true, nil
	}
	k.value = secret.String{}
	err := k.fetch(ctx)
	return err == nil, err
}

func (k *tokens) fetch(ctx context.Context) error {
	a, err := k.ask(ctx)
	if err == nil && (a.Status == http.StatusBadRequest || a.Status == http.StatusUnsupportedMediaType) && !k.form && shapeOf(a).code != "invalid_scope" {
		k.form = true // some accounts want form encoding (zendesk.md 12.13)
		a, err = k.ask(ctx)
	}
	if err != nil {
		return err
	}
	w, err := readToken(a)
	if err != nil {
		return err
	}
	k.value, k.until = secret.New("Bearer "+w.AccessToken), time.Time{}
	if w.ExpiresIn > 0 {
		k.until = time.Now().Add(time.Duration(min(w.ExpiresIn, tokenLife)) * time.Second * 8 / 10)
	}
	if missing := missingScopes(k.auth.Scopes, w.Scope); missing != "" {
		return fault.New(fault.Auth, fault.TargetForbidden, "the token was granted without the scope "+missing)
	}
	return nil
}

func (k *tokens) ask(ctx context.Context) (answer, error) {
	in := map[string]any{
		"grant_type": "client_credentials", "client_id": k.auth.ClientID, "client_secret": k.auth.Secret.Reveal(),
		"scope": strings.Join(k.auth.Scopes, " "), "expires_in": tokenLife,
	}
	if !k.form {
		return k.client.token(ctx, "application/json", encode(in))
	}
	return k.client.token(ctx, "application/x-www-form-urlencoded", form(in))
}

// form is a token request for accounts that do not read JSON (zendesk.md 12.13).
func form(in map[string]any) []byte {
	v := url.Values{}
	for key, value := range in {
		v.Set(key, fmt.Sprint(value))
	}
	return []byte(v.Encode())
}

// askToken sends a token request as JSON, and as a form when JSON is not read at all: no other refusal is repeated,
// because codes and refresh tokens are good for one use.
func (c *client) askToken(ctx context.Context, in map[string]any) (answer, error) {
	a, err := c.token(ctx, "application/json", encode(in))
	if err == nil && a.Status == http.StatusUnsupportedMediaType {
		a, err = c.token(ctx, "application/x-www-form-urlencoded", form(in))
	}
	return a, err
}

// readToken reads a good answer, or says why it is none, without its body.
func readToken(a answer) (w wireToken, err error) {
	if a.Status != http.StatusOK && a.Status != http.StatusCreated {
		return w, tokenFault(a)
	}
	if json.Unmarshal(a.Body, &w) != nil || w.AccessToken == "" {
		return w, fault.New(fault.Transient, fault.TargetNotData, "the token answer holds no token")
	}
	return w, nil
}

// wireCurrent is what Zendesk tells about the bearer that asks (zendesk.md 5.5).
type wireCurrent struct {
	Scopes []string `json:"scopes"`
}

// current looks at a bearer; status tells whether Zendesk takes it.
func (c *client) current(ctx context.Context, bearer secret.String) (w wireCurrent, status int, err error) {
	a, err := c.as(ctx, "/api/v2/oauth/tokens/current", bearer)
	if err != nil || a.Status != http.StatusOK {
		return w, a.Status, err
	}
	var out struct {
		Token wireCurrent `json:"token"`
	}
	if !shapeOfObject(a.Body) || json.Unmarshal(a.Body, &out) != nil {
		return w, a.Status, fault.New(fault.Transient, fault.TargetNotData, "no data about the token")
	}
	return out.Token, a.Status, nil
}

// as reads with a bearer that is not the session's.
func (c *client) as(ctx context.Context, path string, bearer secret.String) (answer, error) {
	r, record, err := permit(c.routes, http.MethodGet, path)
	if err != nil {
		return answer{}, err
	}
	ps, err := c.pace.enter(ctx, r, record, true, time.Now().Add(c.patience))
	if err != nil {
		return answer{}, err
	}
	a, err := c.send(ctx, http.MethodGet, path, nil, "", nil, bearer)
	ps.leave(a)
	return a, err
}

// tokenFault never shows the body of a refused token request: servers echo what they were sent.
func tokenFault(a answer) error {
	switch {
	case a.Status == http.StatusTooManyRequests:
		return &fault.Error{Kind: fault.RateLimited, Code: fault.TargetRate, Detail: "token request refused", After: retryAfter(a.Header, time.Now(), 1)}
	case a.Status >= 500:
		return fault.New(fault.Transient, fault.TargetDown, "the token service answers "+statusText(a.Status))
	case a.Status/100 == 3:
		return fault.New(fault.Config, fault.TargetRedirect, "the token service redirects")
	}
	return fault.New(fault.Auth, fault.TargetAuth, "the token request was refused with "+statusText(a.Status))
}

func missingScopes(asked []string, granted string) string {
	if granted == "" {
		return "" // the answer does not say
	}
	have := " " + granted + " "
	for _, s := range asked {
		if !strings.Contains(have, " "+s+" ") {
			return s
		}
	}
	return ""
}
