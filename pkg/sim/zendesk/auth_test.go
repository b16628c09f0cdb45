package zendesk_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func basic(user, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret))
}

func TestWhoMayCall(t *testing.T) {
	auth := zendesk.Auth{Tokens: []zendesk.APIToken{{Email: "Ops@corp.example", Token: "abc123"}}}
	tests := map[string]struct {
		options   zendesk.Options
		auth      string
		me, count int
		body      string // of users/me
	}{
		"a good token is its admin":             {zendesk.Options{Auth: auth}, basic("ops@corp.example/token", "abc123"), 200, 200, `"email":"ops@corp.example"`},
		"a wrong token":                         {zendesk.Options{Auth: auth}, basic("ops@corp.example/token", "nope"), 401, 401, `{"error":"Couldn't authenticate you"}`},
		"a wrong token as in 2023":              {zendesk.Options{Auth: auth, Quirks: zendesk.Quirks{WrongTokenIsAnonymous: true}}, basic("ops@corp.example/token", "nope"), 200, 401, `"name":"Anonymous user"`},
		"a password is no credential any more":  {zendesk.Options{Auth: auth}, basic("ops@corp.example", "secret"), 200, 401, `"id":null`},
		"nobody":                                {zendesk.Options{}, "", 200, 401, `"name":"Anonymous user"`},
		"nobody without an id":                  {zendesk.Options{Quirks: zendesk.Quirks{AnonymousWithoutID: true}}, "", 200, 401, `{"user":{"name":"Anonymous user"}}`},
		"an unknown bearer":                     {zendesk.Options{Auth: auth}, "Bearer who", 401, 401, `"error":"invalid_token"`},
		"any bearer when nothing is configured": {zendesk.Options{}, "Bearer who", 200, 200, `"role":"admin"`},
		"any token when nothing is configured":  {zendesk.Options{}, basic("x/token", "y"), 200, 200, `"authenticity_token":`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, tt.options)
			a.auth = tt.auth
			a.want(tt.me, "GET", "/api/v2/users/me.json", "").has(t, tt.body)
			refused := a.want(tt.count, "GET", "/api/v2/users/count", "")
			if tt.count == 401 && strings.HasPrefix(tt.auth, "Basic") && !strings.HasPrefix(refused.header.Get("WWW-Authenticate"), "Basic realm=") {
				t.Errorf("headers %v", refused.header)
			}
		})
	}
}

func oauth(clients ...zendesk.OAuthClient) zendesk.Options {
	return zendesk.Options{Auth: zendesk.Auth{Clients: clients}}
}

func TestClientCredentials(t *testing.T) {
	client := zendesk.OAuthClient{ID: "ml", Secret: "s3", Scopes: []string{"users:read", "users:write", "read", "usres:read"}}
	tests := map[string]struct {
		body         string
		status       int
		want         string
		users, write int // GET users/count and POST organizations
	}{
		"read only":                 {`{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"read","expires_in":300}`, 200, `"token_type":"bearer"`, 200, 403},
		"one resource":              {`{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"users:read users:write"}`, 200, `"expires_in":null`, 200, 403},
		"a scope that is misspelt":  {`{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"usres:read"}`, 200, `"scope":"usres:read"`, 403, 403},
		"a scope beyond the client": {`{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"write"}`, 400, `"invalid_scope"`, 0, 0},
		"a wrong secret":            {`{"grant_type":"client_credentials","client_id":"ml","client_secret":"no","scope":"read"}`, 401, `"invalid_client"`, 0, 0},
		"too short a life":          {`{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"read","expires_in":299}`, 400, `"invalid_request"`, 0, 0},
		"too long a life":           {`{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"read","expires_in":172801}`, 400, `"invalid_request"`, 0, 0},
		"a grant of the past":       {`{"grant_type":"password","client_id":"ml","client_secret":"s3"}`, 400, `"unsupported_grant_type"`, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, oauth(client))
			got := a.want(tt.status, "POST", "/oauth/tokens", tt.body)
			got.has(t, tt.want)
			if tt.status != 200 {
				return
			}
			a.auth = "Bearer " + got.str(t, "access_token")
			a.want(tt.users, "GET", "/api/v2/users/count", "")
			a.want(tt.write, "POST", "/api/v2/organizations", `{"organization":{"name":"A"}}`)
		})
	}
}

func TestTokensExpireAndCanBeRevoked(t *testing.T) {
	a := open(t, oauth(zendesk.OAuthClient{ID: "ml", Secret: "s3", ExpiresIn: 300}))
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"ml"}, "client_secret": {"s3"}, "scope": {"read write"}}
	res, err := http.PostForm(a.url+"/oauth/tokens", form)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("form-encoded grant: %v %v", res, err)
	}
	_ = res.Body.Close()
	ask := func() string {
		return a.want(200, "POST", "/oauth/tokens", `{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"read write"}`).str(t, "access_token")
	}
	a.auth = "Bearer " + ask()
	a.want(200, "GET", "/api/v2/oauth/tokens/current.json", "").has(t, `"scopes":["read","write"]`, `"expires_at":"2026-11-23T10:20:00Z"`)
	a.time.add(299 * time.Second)
	a.want(200, "GET", "/api/v2/users/me", "")
	a.time.add(time.Second)
	a.want(401, "GET", "/api/v2/users/me", "").has(t, "expired, revoked, malformed")
	a.auth = "Bearer " + ask()
	a.sim.RevokeTokens()
	a.want(401, "GET", "/api/v2/users/count", "")
}

func TestRefreshKillsTheOldPair(t *testing.T) {
	a := open(t, oauth(zendesk.OAuthClient{ID: "ml", Secret: "s3"}))
	sum := sha256.Sum256([]byte("verifier"))
	ask := "/oauth/authorizations/new?response_type=code&client_id=ml&redirect_uri=https%3A%2F%2Fc.example%2Fcb&scope=read%20write&state=xyz&code_challenge_method=S256&code_challenge=" +
		base64.RawURLEncoding.EncodeToString(sum[:])
	back, err := url.Parse(a.want(302, "GET", ask, "").header.Get("Location"))
	if err != nil || back.Host != "c.example" || back.Query().Get("state") != "xyz" {
		t.Fatalf("redirect %v %v", back, err)
	}
	grant := func(verifier string) string {
		return `{"grant_type":"authorization_code","code":"` + back.Query().Get("code") + `","client_id":"ml","client_secret":"s3","redirect_uri":"https://c.example/cb","code_verifier":"` + verifier + `","expires_in":1800}`
	}
	a.want(400, "POST", "/oauth/tokens", grant("guess")).has(t, "invalid_grant")
	first := a.want(201, "POST", "/oauth/tokens", grant("verifier"))
	first.has(t, `"refresh_token_expires_in":2592000`, `"expires_in":1800`, `"scope":"read write"`)
	a.want(400, "POST", "/oauth/tokens", grant("verifier")) // a code works once
	refresh := func(token string) string {
		return `{"grant_type":"refresh_token","refresh_token":"` + token + `","client_id":"ml","client_secret":"s3"}`
	}
	second := a.want(201, "POST", "/oauth/tokens", refresh(first.str(t, "refresh_token")))
	a.want(400, "POST", "/oauth/tokens", refresh(first.str(t, "refresh_token"))).has(t, "invalid_grant")
	a.auth = "Bearer " + first.str(t, "access_token")
	a.want(401, "GET", "/api/v2/users/me", "").has(t, "invalid_token")
	a.auth = "Bearer " + second.str(t, "access_token")
	a.want(200, "GET", "/api/v2/users/me", "")
	a.time.add(31 * 24 * time.Hour)
	a.want(400, "POST", "/oauth/tokens", refresh(second.str(t, "refresh_token")))
}

func TestACodeLivesTwoMinutes(t *testing.T) {
	a := open(t, zendesk.Options{})
	back, _ := url.Parse(a.want(302, "GET", "/oauth/authorizations/new?response_type=code&client_id=ml&redirect_uri=https%3A%2F%2Fc.example%2Fcb", "").header.Get("Location"))
	a.time.add(120 * time.Second)
	a.want(400, "POST", "/oauth/tokens", `{"grant_type":"authorization_code","client_id":"ml","redirect_uri":"https://c.example/cb","code":"`+back.Query().Get("code")+`"}`)
}

func TestASuspendedCallerIsForbidden(t *testing.T) {
	a := open(t, zendesk.Options{Auth: zendesk.Auth{Tokens: []zendesk.APIToken{{Email: "ops@corp.example", Token: "t"}}}})
	a.auth = basic("ops@corp.example/token", "t")
	for _, u := range a.sim.Users() {
		if u.Email != nil && *u.Email == "ops@corp.example" {
			a.sim.SetSuspended(u.ID, true)
		}
	}
	a.want(403, "GET", "/api/v2/users/me", "").has(t, "suspended")
}

func TestJobsMayNeedTheReadScope(t *testing.T) {
	for _, need := range []bool{false, true} {
		o := oauth(zendesk.OAuthClient{ID: "ml", Secret: "s3"})
		o.Quirks.JobsNeedRead = need
		a := open(t, o)
		a.auth = "Bearer " + a.want(200, "POST", "/oauth/tokens", `{"grant_type":"client_credentials","client_id":"ml","client_secret":"s3","scope":"users:read users:write"}`).str(t, "access_token")
		want := map[bool]int{false: 200, true: 403}[need]
		a.want(want, "GET", "/api/v2/job_statuses", "")
	}
}
