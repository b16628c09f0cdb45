package peoplesoft_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

func (w *world) as(user, password string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+people+"?maxrows=1", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	return w.do(req)
}

func TestBasicAuthentication(t *testing.T) {
	w := start(t, peoplesoft.Options{User: "MLCONN", Password: "s3cret", Employees: 3})
	tests := map[string]struct {
		user, password string
		status         int
	}{
		"the right password":        {"MLCONN", "s3cret", 200},
		"a wrong password":          {"MLCONN", "S3CRET", 401},
		"an empty password":         {"MLCONN", "", 401},
		"a user nobody knows":       {"PS", "s3cret", 401},
		"the right one once more":   {"MLCONN", "s3cret", 200},
		"a user in the wrong case":  {"mlconn", "s3cret", 401},
		"password and user swapped": {"s3cret", "MLCONN", 401},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := w.as(tc.user, tc.password); got.status != tc.status {
				t.Errorf("%d, want %d", got.status, tc.status)
			}
		})
	}
	if got := w.get(people); got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
		t.Errorf("without credentials: %d %v", got.status, got.header)
	}
	if got := w.get("/PSIGW/PeopleSoftListeningConnector"); got.status != 200 {
		t.Errorf("the gateway page wants credentials: %d", got.status)
	}
	for _, r := range w.Requests() {
		if line, err := json.Marshal(r); err != nil || strings.Contains(string(line), "s3cret") {
			t.Errorf("the log holds the password: %s %v", line, err)
		}
	}
}

func TestAccountLocksAfterBadPasswordsInARow(t *testing.T) {
	w := start(t, peoplesoft.Options{User: "MLCONN", Password: "right", Employees: 3})
	if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultLockOut, N: 3}); err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, password := range []string{"bad", "bad", "right", "bad", "right", "bad", "bad", "bad", "right"} {
		got = append(got, w.as("MLCONN", password).status)
	}
	if want := []int{401, 401, 200, 401, 200, 401, 401, 401, 401}; !slices.Equal(got, want) || !w.Locked() {
		t.Errorf("statuses %v, want %v; locked %v", got, want, w.Locked())
	}
	w.Unlock()
	if status := w.as("MLCONN", "right").status; status != 200 || w.Locked() {
		t.Errorf("after unlocking: %d", status)
	}
}

func (w *world) bearer(token string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+people+"?maxrows=1", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return w.do(req).status
}

func (w *world) token(id, secret string, inBody bool, form url.Values) (int, map[string]any) {
	w.t.Helper()
	if inBody {
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/idp/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !inBody {
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	got := w.do(req)
	var doc map[string]any
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil {
		w.t.Fatalf("%v: %s", err, got.body)
	}
	return got.status, doc
}

func oauth() peoplesoft.Options {
	return peoplesoft.Options{Employees: 3, OAuth: peoplesoft.OAuth{ClientID: "ml:1", ClientSecret: "a b&c", Audience: "ps", Scope: "read", Life: time.Hour}}
}

func TestTokenEndpoint(t *testing.T) {
	w := start(t, oauth())
	tests := map[string]struct {
		secret string
		inBody bool
		form   url.Values
		status int
		err    string
	}{
		"client in the header":      {"a b&c", false, url.Values{"grant_type": {"client_credentials"}, "audience": {"ps"}}, 200, ""},
		"client in the body":        {"a b&c", true, url.Values{"grant_type": {"client_credentials"}, "audience": {"ps"}}, 200, ""},
		"resource for the audience": {"a b&c", true, url.Values{"grant_type": {"client_credentials"}, "resource": {"ps"}}, 200, ""},
		"a wrong secret":            {"abc", false, url.Values{"grant_type": {"client_credentials"}, "audience": {"ps"}}, 401, "invalid_client"},
		"no audience":               {"a b&c", false, url.Values{"grant_type": {"client_credentials"}}, 400, "invalid_target"},
		"another grant":             {"a b&c", false, url.Values{"grant_type": {"password"}, "audience": {"ps"}}, 400, "unsupported_grant_type"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			status, doc := w.token("ml:1", tc.secret, tc.inBody, tc.form)
			code, _ := doc["error"].(string)
			if status != tc.status || code != tc.err {
				t.Errorf("%d %v, want %d %s", status, doc, tc.status, tc.err)
			}
			if tc.err == "" && (doc["token_type"] != "Bearer" || doc["expires_in"] != 3600.0 || doc["scope"] != "read") {
				t.Errorf("token answer %v", doc)
			}
		})
	}
}

func TestTokensExpireAndAreRevoked(t *testing.T) {
	w := start(t, oauth())
	fetch := func() string {
		_, doc := w.token("ml:1", "a b&c", false, url.Values{"grant_type": {"client_credentials"}, "audience": {"ps"}})
		token, _ := doc["access_token"].(string)
		return token
	}
	first := fetch()
	got := []int{w.bearer(first), w.bearer("made-up")}
	w.Advance(time.Hour)
	got = append(got, w.bearer(first))
	second := fetch()
	got = append(got, w.bearer(second))
	w.RevokeTokens()
	got = append(got, w.bearer(second), w.bearer(fetch()))
	if want := []int{200, 401, 401, 200, 401, 200}; !slices.Equal(got, want) || first == second {
		t.Errorf("statuses %v, want %v (first, made up, expired, second, revoked, third)", got, want)
	}
}
