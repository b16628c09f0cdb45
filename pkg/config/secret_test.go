package config_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

func TestSecretsAreListedWithPurposeAndOrigin(t *testing.T) {
	tenants := goodTenants(t)
	for name, want := range map[string][]string{
		"tenant.yaml/acme": {
			"peoplesoft.hcm.auth.basic.password peoplesoft.hcm.password env:ACME_PS_PASSWORD",
			"peoplesoft.fscm.auth.basic.password peoplesoft.fscm.password env:ACME_FS_PASSWORD",
			"peoplesoft.ib.auth.basic.password peoplesoft.ib.password env:ACME_IB_PASSWORD",
			"zendesk.auth.client_credentials.client_secret zendesk.client_secret env:ACME_ZD_SECRET",
			"zendesk.webhook.secret zendesk.webhook_secret env:ACME_ZD_WEBHOOK_SECRET",
		},
		"oauth2-and-everything.yaml/acme-2": {
			"peoplesoft.hcm.auth.oauth2.client_secret peoplesoft.hcm.client_secret file:/run/secrets/ps",
			"peoplesoft.ib.auth.basic.password peoplesoft.ib.password env:IB",
			"peoplesoft.ib.auth.header.value peoplesoft.ib.header file:/run/secrets/ib-header",
			"peoplesoft.ib.auth.node_password.password peoplesoft.ib.node_password env:IB_NODE",
			"zendesk.auth.authorization_code.client_secret zendesk.client_secret env:ZD",
		},
		"vendors-over-rest.yaml/fin": {
			"peoplesoft.fscm.auth.basic.password peoplesoft.fscm.password env:FS",
			"zendesk.auth.api_token.token zendesk.api_token env:ZD_TOKEN",
		},
		"smallest.yaml/small": {
			"peoplesoft.hcm.auth.basic.password peoplesoft.hcm.password ",
			"zendesk.auth.client_credentials.client_secret zendesk.client_secret ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range tenants[name].Secrets() {
				got = append(got, fmt.Sprintf("%s %s %s", s.Path, s.Purpose, s.From))
				if !slices.Contains(vault.Purposes(), s.Purpose) {
					t.Errorf("purpose %s is unknown to the vault", s.Purpose)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	lookup := config.Lookup{
		Env: func(name string) (string, bool) {
			return map[string]string{"SET": "value", "EMPTY": ""}[name], name != "GONE"
		},
		File: func(path string) ([]byte, error) {
			b, ok := map[string]string{"/a": "value\r\n", "/two": "value\n\n", "/empty": "\n"}[path]
			if !ok {
				return nil, errors.New("open " + path)
			}
			return []byte(b), nil
		},
	}
	for name, c := range map[string]struct{ from, value string }{
		"from the environment":               {"env:SET", "value"},
		"an empty variable is missing":       {"env:EMPTY", ""},
		"an unset variable is missing":       {"env:GONE", ""},
		"from a file without its line break": {"file:/a", "value"},
		"only one line break is taken away":  {"file:/two", "value\n"},
		"an empty file is missing":           {"file:/empty", ""},
		"a file that is not there":           {"file:/gone", ""},
		"no reference":                       {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := config.SecretRef{Path: "p", From: config.Ref(c.from)}.Resolve(lookup)
			if s.Reveal() != c.value {
				t.Fatalf("value %q, want %q", s.Reveal(), c.value)
			}
			if wantErr := c.value == ""; wantErr != (fault.CodeOf(err) == fault.NoCredential) || !wantErr && err != nil {
				t.Fatalf("error %v", err)
			}
		})
	}
}
