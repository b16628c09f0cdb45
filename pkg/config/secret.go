package config

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

var envShape = regexp.MustCompile(`^env:[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// Ref says where a secret comes from: env:NAME, file:/absolute/path, or "" when it is set with `credential set`. The
// value itself never stands in a tenant file.
type Ref string

// UnmarshalText refuses anything that is not a reference and never repeats it: it may be the secret.
func (r *Ref) UnmarshalText(b []byte) error {
	s := string(b)
	path, isFile := strings.CutPrefix(s, "file:")
	if envShape.MatchString(s) || isFile && filepath.IsAbs(path) && len(path) < 300 && printable(path) {
		*r = Ref(s)
		return nil
	}
	return bad{what: "not a reference (the value is not shown, it may be a secret)", want: "env:NAME or file:/absolute/path; or leave it out and use `ml-connector credential set`"}
}

// SecretRef is one secret that the tenant needs.
type SecretRef struct {
	Path    string // in the tenant file: peoplesoft.hcm.auth.basic.password
	Purpose vault.Purpose
	From    Ref // "" when it is set with `credential set`
}

// Secrets lists the secrets that the settings need, in the order of the file.
func (t Tenant) Secrets() []SecretRef {
	var list []SecretRef
	add := func(path string, p vault.Purpose, from Ref) { list = append(list, SecretRef{path, p, from}) }
	auth := func(path string, a Auth, password, client vault.Purpose) {
		if a.Basic != nil {
			add(path+".auth.basic.password", password, a.Basic.Password)
		}
		if a.OAuth2 != nil {
			add(path+".auth.oauth2.client_secret", client, a.OAuth2.ClientSecret)
		}
	}
	if h := t.PeopleSoft.HCM; h != nil {
		auth("peoplesoft.hcm", h.Auth, vault.HCMPassword, vault.HCMSecret)
	}
	if f := t.PeopleSoft.FSCM; f != nil {
		auth("peoplesoft.fscm", f.Auth, vault.FSCMPassword, vault.FSCMSecret)
	}
	if ib := t.PeopleSoft.IB; ib != nil {
		ib.Auth.secrets(add)
	}
	switch z := t.Zendesk.Auth; {
	case z.ClientCredentials != nil:
		add("zendesk.auth.client_credentials.client_secret", vault.ZendeskSecret, z.ClientCredentials.ClientSecret)
	case z.AuthorizationCode != nil:
		add("zendesk.auth.authorization_code.client_secret", vault.ZendeskSecret, z.AuthorizationCode.ClientSecret)
	case z.APIToken != nil:
		add("zendesk.auth.api_token.token", vault.ZendeskToken, z.APIToken.Token)
	}
	if w := t.Zendesk.Webhook; w != nil {
		add("zendesk.webhook.secret", vault.WebhookSecret, w.Secret)
	}
	return list
}

func (a IBAuth) secrets(add func(path string, p vault.Purpose, from Ref)) {
	if a.Basic != nil {
		add("peoplesoft.ib.auth.basic.password", vault.IBPassword, a.Basic.Password)
	}
	if a.Header != nil {
		add("peoplesoft.ib.auth.header.value", vault.IBHeader, a.Header.Value)
	}
	if a.NodePassword != nil {
		add("peoplesoft.ib.auth.node_password.password", vault.IBNodePassword, a.NodePassword.Password)
	}
}

// Lookup is how references are resolved; the program gives the two functions.
type Lookup struct {
	Env  func(name string) (value string, ok bool)
	File func(path string) ([]byte, error)
}

// Resolve fetches the secret: a *fault.Error with code CREDENTIAL_MISSING when it is not there or empty. One line
// break at the end of a file is not part of the secret.
func (s SecretRef) Resolve(l Lookup) (secret.String, error) {
	missing := func(detail string) (secret.String, error) {
		return secret.String{}, &fault.Error{Kind: fault.Config, Code: fault.NoCredential, Op: s.Path, Detail: detail}
	}
	if name, ok := strings.CutPrefix(string(s.From), "env:"); ok {
		v, found := l.Env(name)
		if !found || v == "" {
			return missing("environment variable " + name + " is not set")
		}
		return secret.New(v), nil
	}
	path, ok := strings.CutPrefix(string(s.From), "file:")
	if !ok {
		return missing("no reference in the tenant file")
	}
	b, err := l.File(path)
	if err != nil {
		return missing("file " + path + " cannot be read")
	}
	v := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if v == "" {
		return missing("file " + path + " is empty")
	}
	return secret.New(v), nil
}
