package zendesk

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// OAuth are switches of the consent page and of the tokens that come from a consent (zendesk.md 5.5). A lost or late
// answer is a Fault on /oauth/tokens, for example {Path: "/oauth/tokens", Contains: "refresh_token", Drop: "after"}.
type OAuth struct {
	AskPerson bool `json:"ask_person,omitempty"` // the consent page shows a form in place of consenting by itself
	Deny      bool `json:"deny,omitempty"`       // whoever is asked refuses: access_denied

	User        int64    `json:"user,omitempty"`         // who consents; 0 is the account owner
	ExtraScopes []string `json:"extra_scopes,omitempty"` // granted beside what was asked for: an old client falls back to more (failures.md 5.12)
	LessScopes  []string `json:"less_scopes,omitempty"`  // left out of what was asked for
	HideScope   bool     `json:"hide_scope,omitempty"`   // token answers carry no scope

	AccessLife  int `json:"access_life,omitempty"`  // seconds, whatever the request asks; 0 = as asked
	RefreshLife int `json:"refresh_life,omitempty"` // seconds, whatever the request asks; 0 = as asked

	RefuseRefresh bool `json:"refuse_refresh,omitempty"` // every refresh is an invalid_grant: the consent was withdrawn
	ReuseRevokes  bool `json:"reuse_revokes,omitempty"`  // not known of Zendesk: using a spent refresh token kills its successors
}

// SetOAuth changes the switches from now on.
func (s *Sim) SetOAuth(o OAuth) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oauth = o
}

func (s *Sim) controlOAuth(w http.ResponseWriter, r *http.Request) {
	var o OAuth
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		answer(w, http.StatusBadRequest, obj{"error": err.Error()})
		return
	}
	s.SetOAuth(o)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sim) consented(asked []string) []string {
	var out []string
	for _, scope := range asked {
		if !slices.Contains(s.oauth.LessScopes, scope) {
			out = append(out, scope)
		}
	}
	for _, scope := range s.oauth.ExtraScopes {
		if !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// revokeFamily kills every token that came from one consent.
func (s *Sim) revokeFamily(family int64) {
	for _, g := range s.access.byAccess {
		if family != 0 && g.family == family {
			g.dead = true
		}
	}
}

// askUser is the page where an admin consents (5.5). By default the owner does so without looking.
func (s *Sim) askUser(c *call) reply {
	q := c.r.URL.Query()
	client := s.client(q.Get("client_id"))
	back, err := url.Parse(q.Get("redirect_uri"))
	if client == nil || err != nil || back.Host == "" || len(client.RedirectURIs) > 0 && !slices.Contains(client.RedirectURIs, q.Get("redirect_uri")) {
		return oauthError(http.StatusBadRequest, "invalid_request", "Unknown client or redirect URI.")
	}
	answer := back.Query()
	answer.Set("state", q.Get("state"))
	switch {
	case q.Get("response_type") != "code":
		answer.Set("error", "unsupported_response_type")
	case !client.allows(strings.Fields(q.Get("scope"))):
		answer.Set("error", "invalid_scope")
	case s.oauth.Deny || q.Get("decision") == "deny":
		answer.Set("error", "access_denied")
		answer.Set("error_description", "The end-user or authorization server denied the request.")
	case s.oauth.AskPerson && q.Get("decision") != "allow":
		return consentPage(q)
	default:
		answer.Set("code", s.newCode(c, client, q))
	}
	back.RawQuery = answer.Encode()
	return reply{status: http.StatusFound, header: http.Header{"Location": {back.String()}}}
}

func (s *Sim) newCode(c *call, client *OAuthClient, q url.Values) string {
	text := fmt.Sprintf("sim-code-%016x", s.rng.Uint64())
	s.counters.Consents++
	s.access.codes[text] = &code{
		client: client.ID, redirect: q.Get("redirect_uri"), scopes: strings.Fields(q.Get("scope")), user: or(s.oauth.User, s.owner),
		challenge: q.Get("code_challenge"), expires: c.now.Add(codeLife),
	}
	return text
}

func (k *OAuthClient) allows(scopes []string) bool {
	for _, scope := range scopes {
		if len(k.Scopes) > 0 && !slices.Contains(k.Scopes, scope) {
			return false
		}
	}
	return true
}

// consentPage repeats the request in a form with two buttons.
func consentPage(q url.Values) reply {
	var b strings.Builder
	b.WriteString("<!doctype html><title>Simulated Zendesk</title><form method=\"get\">")
	for _, key := range slices.Sorted(maps.Keys(q)) {
		fmt.Fprintf(&b, "<input type=\"hidden\" name=%q value=%q>", html.EscapeString(key), html.EscapeString(q.Get(key)))
	}
	fmt.Fprintf(&b, "<p>%s asks for: %s</p><button name=\"decision\" value=\"allow\">Allow</button><button name=\"decision\" value=\"deny\">Deny</button></form>",
		html.EscapeString(q.Get("client_id")), html.EscapeString(q.Get("scope")))
	return reply{status: http.StatusOK, body: []byte(b.String()), plain: "text/html; charset=utf-8"}
}
