package peoplesoft

import (
	"crypto/tls"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
)

// Problem is one thing wrong with a Config. Path is the key to look for, below the connection's own.
type Problem struct{ Path, Text string }

// Error gives path and text.
func (p Problem) Error() string { return p.Path + ": " + p.Text }

var nameShape = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,60}$`)

// Validate returns every problem, each with its path; none means that Open succeeds if the CA file can be read.
func (c Config) Validate() []Problem {
	v := &validator{}
	v.address("base_url", c.BaseURL)
	if strings.Contains(strings.ToUpper(c.BaseURL), "/PSIGW") {
		v.add("base_url", "end it before /PSIGW; the rest of the path is added")
	}
	v.name("node", c.Node, "the PeopleSoft node name, for example PSFT_HR")
	v.auth(c.Auth)
	if c.MinTLS != 0 && (c.MinTLS < tls.VersionTLS12 || c.MinTLS > tls.VersionTLS13) {
		v.add("tls.min_version", `want "1.2" or "1.3"`)
	}
	if len(c.Queries)+len(c.Generics) == 0 {
		v.add("employees", "required: a query for employees or vendors")
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Queries)) {
		v.query(kind, c.Queries[kind].withDefaults())
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Generics)) {
		if _, both := c.Queries[kind]; both {
			v.add(kind.Plural(), "want either a query or a REST service, got both")
		}
		v.generic(kind, c.Generics[kind].withDefaults())
	}
	return v.problems
}

type validator struct{ problems []Problem }

func (v *validator) add(path, text string) { v.problems = append(v.problems, Problem{path, text}) }

func (v *validator) name(path, value, what string) {
	switch {
	case value == "":
		v.add(path, "required: "+what)
	case !nameShape.MatchString(value):
		v.add(path, "want letters, digits, _ . and - only")
	}
}

// address checks a URL as failures.md 5.4 asks: no user, query or fragment, and https except for loopback.
func (v *validator) address(path, text string) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		v.add(path, "required: an https URL such as https://hr.example.com")
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		v.add(path, "want an https URL such as https://hr.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.add(path, "want no user, query or fragment in the URL")
	case numeric(u.Hostname()):
		v.add(path, "want a host name or a plain IP address")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		v.add(path, "want https; http is accepted for loopback addresses only")
	case u.Scheme != "https" && u.Scheme != "http":
		v.add(path, "want an https URL such as https://hr.example.com")
	}
}

// numeric finds names such as 127.1 or 0x7f000001 that a resolver may take for an address.
func numeric(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := strings.ToLower(labels[len(labels)-1])
	return strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

func (v *validator) auth(a Auth) {
	switch {
	case a.Basic == nil && a.OAuth2 == nil:
		v.add("auth", "required: basic or oauth2")
	case a.Basic != nil && a.OAuth2 != nil:
		v.add("auth", "want either basic or oauth2, got both")
	case a.Basic != nil:
		if a.Basic.User == "" || strings.Contains(a.Basic.User, ":") {
			v.add("auth.basic.username", "required: the PeopleSoft user, without a colon")
		}
		if !a.Basic.Password.IsSet() {
			v.add("auth.basic.password", "required")
		}
	default:
		v.oauth(*a.OAuth2)
	}
}

func (v *validator) oauth(o OAuth2) {
	v.address("auth.oauth2.token_url", o.TokenURL)
	if o.ClientID == "" {
		v.add("auth.oauth2.client_id", "required")
	}
	if !o.Secret.IsSet() {
		v.add("auth.oauth2.client_secret", "required")
	}
	if o.AuthStyle != "" && o.AuthStyle != Header && o.AuthStyle != Body {
		v.add("auth.oauth2.auth_style", "want header or body")
	}
}

func (v *validator) query(kind record.Kind, q Query) {
	at := kind.Plural()
	v.name(at+".query", q.Name, "the name of a public query, for example ML_EMPLOYEES")
	if q.Format != JSON && q.Format != XMLP {
		v.add(at+".format", "want JSON or XMLP")
	}
	if q.Owner != Public && q.Owner != Private {
		v.add(at+".owner", "want PUBLIC or PRIVATE")
	}
	v.prompts(at, q.Prompts)
	v.common(at, q.MaxRows, q.PromptLayout, q.KeyLength)
	v.columns(at+".columns", kind, slices.Collect(maps.Keys(q.Columns)))
}

func (v *validator) prompts(at string, p Prompts) {
	seen := map[string]bool{}
	for _, prompt := range []struct{ path, name string }{
		{"from", p.From}, {"to", p.To}, {"after", p.After}, {"key", p.Key}, {"eff_from", p.EffFrom}, {"eff_to", p.EffTo},
	} {
		if prompt.name == "" {
			continue
		}
		path := at + ".prompts." + prompt.path
		v.name(path, prompt.name, "")
		if seen[prompt.name] {
			v.add(path, "the same prompt twice")
		}
		seen[prompt.name] = true
	}
	if (p.From == "") != (p.To == "") {
		v.add(at+".prompts", "want from and to together")
	}
	if (p.EffFrom == "") != (p.EffTo == "") {
		v.add(at+".prompts", "want eff_from and eff_to together")
	}
}

func (v *validator) common(at string, rows int, layout string, keyLength int) {
	if rows < 2 || rows > 100_000 {
		v.add(at+".max_rows", "want 2 to 100000")
	}
	if keyLength < 0 || keyLength > 30 {
		v.add(at+".key_length", "want 1 to 30")
	}
	if !usableLayout(layout) {
		v.add(at+".prompt_layout", "want a Go time layout with year, month and day and without a comma, such as 2006-01-02T15:04:05")
	}
}

func usableLayout(layout string) bool {
	want := time.Date(2031, 11, 28, 0, 0, 0, 0, time.UTC)
	got, err := time.Parse(layout, want.Format(layout))
	return err == nil && got.Equal(want) && !strings.Contains(layout, ",")
}

func (v *validator) columns(path string, kind record.Kind, canonical []string) {
	slices.Sort(canonical)
	for _, c := range canonical {
		if !known(kind, c) {
			v.add(path+"."+c, "not a column that is read; want one of "+strings.Join(names(kind), ", "))
		}
	}
}

func (v *validator) generic(kind record.Kind, g Generic) {
	at := kind.Plural()
	if !strings.HasPrefix(g.URL, "/") || strings.Contains(g.URL, "#") {
		v.add(at+".url", "want a path that starts with /, such as /PSIGW/RESTListeningConnector/{node}/PEOPLE.v1/?after={after}")
	}
	if rest := placeholders().Replace(g.URL); strings.ContainsAny(rest, "{}") {
		v.add(at+".url", "want only {node} {from} {to} {after} {limit} {key}")
	}
	if g.Page != Single && g.Page != Keyset {
		v.add(at+".page", "want single or keyset")
	}
	if g.Page == Keyset && !strings.Contains(g.URL, "{after}") {
		v.add(at+".url", "want {after} for the page rule keyset")
	}
	if strings.Contains(g.URL, "{from}") != strings.Contains(g.URL, "{to}") {
		v.add(at+".url", "want {from} and {to} together")
	}
	for name := range g.Headers {
		if strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Cookie") {
			v.add(at+".headers", "credentials belong to auth")
		}
	}
	v.common(at, g.MaxRows, g.PromptLayout, g.KeyLength)
	v.columns(at+".fields", kind, slices.Collect(maps.Values(g.Fields)))
}

func placeholders() *strings.Replacer {
	return strings.NewReplacer("{node}", "", "{from}", "", "{to}", "", "{after}", "", "{limit}", "", "{key}", "")
}
