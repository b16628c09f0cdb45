package vault

import (
	"context"
	"encoding/hex"
	"os"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// holders is what running processes say about their keys.
type holders func() map[string][]string

func (h holders) KeyHolders(context.Context) (map[string][]string, error) { return h(), nil }

func TestARotationWaitsForEveryProcess(t *testing.T) {
	file, key := keyPath(t), randomKey()
	_, v := filled(t, file)
	given := keyPath(t)
	if err := os.WriteFile(given, []byte(hex.EncodeToString(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	looks := 0
	n, err := v.RotateFrom(t.Context(), given, holders(func() map[string][]string {
		looks++
		keys, err := v.Readable(t.Context()) // a process that shares the file sees the next key at once
		if err != nil {
			t.Error(err)
		}
		if looks < 3 {
			keys = keys[:1]
		}
		return map[string][]string{"here/1": keys}
	}))
	if err != nil || n != len(tenants()) || looks < 3 {
		t.Fatalf("%d tenants after %d looks, %v", n, looks, err)
	}
	if want := newMaster(key).fingerprint; v.Fingerprint() != want {
		t.Errorf("key %s, want %s", v.Fingerprint(), want)
	}
	allOpen(t, v)
}

func TestARotationIsRefusedWhileAProcessCannotReadTheNewKey(t *testing.T) {
	file := keyPath(t)
	creds, v := filled(t, file)
	before := v.Fingerprint()
	old := holders(func() map[string][]string { return map[string][]string{"there/2": {before}} })
	_, err := v.RotateFrom(t.Context(), "", old)
	if fault.CodeOf(err) != fault.KeyInUse {
		t.Fatalf("got %v, want VAULT_KEY_IN_USE", err)
	}
	for _, id := range tenants() {
		if k, err := creds.DataKey(t.Context(), id); err != nil || k.Master != before {
			t.Errorf("%s: wrapped by %s, %v", id, k.Master, err)
		}
	}
	allOpen(t, v)
	if _, err := v.RotateFrom(t.Context(), "", holders(func() map[string][]string { return nil })); err != nil || v.Fingerprint() == before {
		t.Fatalf("second call: %v", err)
	}
	allOpen(t, v)
}
