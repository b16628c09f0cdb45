package peoplesoft

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/source"
)

const tokenCanary = "canary-TOKEN-3390"

// portal is an identity provider and a PeopleSoft that trusts it, both countable.
type portal struct {
	mu            sync.Mutex
	tokens, reads int
	issue         func(n int, w http.ResponseWriter)
	refuse        func(n int) bool
}

func (p *portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path == "/token" {
		p.tokens++
		p.issue(p.tokens, w)
		return
	}
	if p.reads++; p.refuse != nil && p.refuse(p.reads) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `<IBResponse type="error"><DefaultMessage>no `+r.Header.Get("Authorization")[:6]+`</DefaultMessage></IBResponse>`)
		return
	}
	_, _ = io.WriteString(w, `{"status":"success","data":{"query":{"numrows":0,"rows":[]}}}`)
}

func (p *portal) source(t *testing.T) *Source {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	c := Default()
	c.BaseURL, c.Node = server.URL, "N"
	c.Auth = Auth{OAuth2: &OAuth2{TokenURL: server.URL + "/token", ClientID: "ml", Secret: secret.New(canary), Params: url.Values{"audience": {"psft"}}}}
	c.Queries[record.Employee] = DefaultQuery(record.Employee)
	return open(t, c)
}

func good(n int, w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":"%s-%d","token_type":"Bearer","expires_in":3600}`, tokenCanary, n)
}

func TestTokens(t *testing.T) {
	answer := func(status int, body string) func(int, http.ResponseWriter) {
		return func(_ int, w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", "http://127.0.0.1:1/"+tokenCanary)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	cases := map[string]struct {
		portal        *portal
		code          fault.Code
		kind          fault.Kind
		tokens, reads int // after two Reads
	}{
		"a token is fetched once":                     {&portal{issue: good}, "", "", 1, 2},
		"a token that has died is renewed once":       {&portal{issue: good, refuse: func(n int) bool { return n == 1 }}, "", "", 2, 3},
		"tokens that are never taken do not hammer":   {&portal{issue: good, refuse: func(int) bool { return true }}, fault.SourceAuth, fault.Auth, 3, 4},
		"a client that is not known":                  {&portal{issue: answer(401, `{"error":"invalid_client","error_description":"`+tokenCanary+`"}`)}, fault.SourceAuth, fault.Auth, 2, 0},
		"an error with a word of its own":             {&portal{issue: answer(400, `{"error":"`+tokenCanary+`"}`)}, fault.SourceAuth, fault.Auth, 2, 0},
		"an identity provider that is down":           {&portal{issue: answer(503, tokenCanary)}, fault.SourceDown, fault.Transient, 2, 0},
		"an identity provider that sends us away":     {&portal{issue: answer(302, tokenCanary)}, fault.SourceRedirect, fault.Config, 2, 0},
		"a wrong token URL":                           {&portal{issue: answer(404, tokenCanary)}, fault.SourceNotFound, fault.Config, 2, 0},
		"a page in place of a token":                  {&portal{issue: answer(200, `<html>`+tokenCanary)}, fault.SourceNotData, fault.Transient, 2, 0},
		"an answer without a token":                   {&portal{issue: answer(200, `{"x":"`+tokenCanary+`"}`)}, fault.SourceNotData, fault.Transient, 2, 0},
		"a token that cannot be sent, with line ends": {&portal{issue: answer(200, `{"access_token":"`+tokenCanary+`\r\nX: y"}`)}, fault.SourceUnreachable, fault.Transient, 1, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := tc.portal.source(t)
			for range 2 {
				_, err := s.Read(t.Context(), acme, source.Window{Kind: record.Employee, Full: true})
				if (err != nil || tc.code != "") && (fault.CodeOf(err) != tc.code || fault.KindOf(err) != tc.kind) {
					t.Errorf("got %v (%s), want %q (%s)", err, fault.KindOf(err), tc.code, tc.kind)
				}
				hidden(t, err)
			}
			if tc.portal.tokens != tc.tokens || tc.portal.reads != tc.reads {
				t.Errorf("%d token requests and %d reads, want %d and %d", tc.portal.tokens, tc.portal.reads, tc.tokens, tc.reads)
			}
		})
	}
}

// hidden looks for canaries in everything that an error can be printed as.
func hidden(t *testing.T, err error) {
	t.Helper()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Error("x", "err", err)
	slog.New(slog.NewJSONHandler(&log, nil)).Error("x", "err", err)
	text := fmt.Sprintf("%v %+v %#v %s", err, err, err, log.String())
	for e := err; e != nil; e = errors.Unwrap(e) {
		text += fmt.Sprintf(" %+v", e)
	}
	for _, c := range []string{canary, tokenCanary} {
		if strings.Contains(text, c) {
			t.Errorf("a secret shows in %s", text)
		}
	}
}

func TestPasswordsDoNotShowAndAreNotTriedAgain(t *testing.T) {
	s, c := company(t, sim.Options{Employees: 5, LockAfter: 3})
	c.Auth.Basic.Password = secret.New(tokenCanary)
	src := open(t, c)
	_, err := src.Read(t.Context(), acme, source.Window{Kind: record.Employee, Full: true})
	if fault.CodeOf(err) != fault.SourceAuth || fault.KindOf(err) != fault.Auth {
		t.Errorf("got %v", err)
	}
	hidden(t, err)
	if _, err = src.ReadKey(t.Context(), acme, record.Ref{Kind: record.Employee, Key: "1"}); fault.CodeOf(err) != fault.SourceAuth || s.Locked() {
		t.Errorf("got %v, locked %v: one Read is one attempt", err, s.Locked())
	}
	if text := fmt.Sprintf("%v %+v %#v %+v", c, c, src, src.client.auth); strings.Contains(text, tokenCanary) {
		t.Error("the password shows in a printed configuration")
	}
}

func TestOAuthAgainstTheSimulator(t *testing.T) {
	_, c := company(t, sim.Options{Employees: 5, Rows: sim.All, OAuth: sim.OAuth{ClientID: "ml", ClientSecret: canary, Audience: "psft"}})
	for _, style := range []AuthStyle{"", Header, Body} {
		c.Auth = Auth{OAuth2: &OAuth2{TokenURL: c.BaseURL + "/idp/oauth2/token", ClientID: "ml", Secret: secret.New(canary), Scopes: []string{"read"}, Params: url.Values{"audience": {"psft"}}, AuthStyle: style}}
		_, records, err := readAll(t, open(t, c), source.Window{Kind: record.Employee, Full: true})
		if err != nil || len(records) != 5 {
			t.Errorf("style %q: %d records, %v", style, len(records), err)
		}
	}
}
