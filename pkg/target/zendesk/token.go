package zendesk

import (
	"context"
	"encoding/json"
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
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope"`
	ExpiresIn   int64  `json:"expires_in"`
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
func (k *tokens) renew(ctx context.Context, refused secret.String) (bool, error) {
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
	if a.Status != http.StatusOK && a.Status != http.StatusCreated {
		return tokenFault(a)
	}
	var w wireToken
	if json.Unmarshal(a.Body, &w) != nil || w.AccessToken == "" {
		return fault.New(fault.Transient, fault.TargetNotData, "the token answer holds no token")
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
	v := url.Values{"expires_in": {"172800"}}
	for _, key := range []string{"grant_type", "client_id", "client_secret", "scope"} {
		v.Set(key, in[key].(string)) //nolint:forcetypeassert // set three lines above
	}
	return k.client.token(ctx, "application/x-www-form-urlencoded", []byte(v.Encode()))
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
