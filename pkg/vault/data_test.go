package vault

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

func TestDataOpensOnlyWhereItWasSealed(t *testing.T) {
	v := newVault(t, newStore(t), keyPath(t))
	plain := []byte("<NATIONAL_ID>canary</NATIONAL_ID>")
	sealed, err := v.SealData(t.Context(), "acme", "dead letter 1", plain)
	if err != nil || strings.Contains(string(sealed), "canary") {
		t.Fatalf("%s %v", sealed, err)
	}
	got, err := v.OpenData(t.Context(), "acme", "dead letter 1", sealed)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%s %v", got, err)
	}
	changed := bytes.Replace(sealed, []byte(`"box":"`), []byte(`"box":"AAAA`), 1)
	for name, open := range map[string]func() ([]byte, error){
		"another place":     func() ([]byte, error) { return v.OpenData(t.Context(), "acme", "dead letter 2", sealed) },
		"another tenant":    func() ([]byte, error) { return v.OpenData(t.Context(), "other", "dead letter 1", sealed) },
		"changed":           func() ([]byte, error) { return v.OpenData(t.Context(), "acme", "dead letter 1", changed) },
		"not what we wrote": func() ([]byte, error) { return v.OpenData(t.Context(), "acme", "dead letter 1", []byte("[]")) },
	} {
		if b, err := open(); fault.CodeOf(err) != fault.VaultSealed {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
}
