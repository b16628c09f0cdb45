package vault

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	acme   tenant.ID = "acme"
	globex tenant.ID = "globex"
)

func newStore(t testing.TB) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "ml.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newVault(t testing.TB, creds store.Credentials, file string) *Vault {
	t.Helper()
	v, err := Open(t.Context(), Options{KeyFile: file, Create: true}, creds)
	if err != nil {
		t.Fatalf("open vault: %v", err)
	}
	return v
}

func keyPath(t testing.TB) string { return filepath.Join(t.TempDir(), "master.key") }

func seal(t testing.TB, v *Vault, id tenant.ID, p Purpose, value string) {
	t.Helper()
	if err := v.Seal(t.Context(), id, p, secret.New(value)); err != nil {
		t.Fatalf("seal: %v", err)
	}
}

func opens(t testing.TB, v *Vault, id tenant.ID, p Purpose, want string) {
	t.Helper()
	got, err := v.Open(t.Context(), id, p)
	if err != nil {
		t.Fatalf("open %s of %s: %v", p, id, err)
	}
	if got.Reveal() != want {
		t.Fatalf("open %s of %s: another value came out", p, id)
	}
}

func refused(t testing.TB, err error, want fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, path string, b []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, b, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask says
		t.Fatal(err)
	}
}

// backend can be embedded: the interface has a method of its own name.
type backend = store.Credentials

// fake lets a test put rows of its own in front of a store.
type fake struct {
	backend
	sealed map[tenant.ID]map[string]store.Sealed
	keys   map[tenant.ID]store.WrappedKey
}

func (f *fake) Credential(ctx context.Context, t tenant.ID, purpose string) (store.Sealed, error) {
	if s, ok := f.sealed[t][purpose]; ok {
		s.Box = bytes.Clone(s.Box)
		return s, nil
	}
	return f.backend.Credential(ctx, t, purpose)
}

func (f *fake) DataKey(ctx context.Context, t tenant.ID) (store.WrappedKey, error) {
	if k, ok := f.keys[t]; ok {
		return k, nil
	}
	return f.backend.DataKey(ctx, t)
}
