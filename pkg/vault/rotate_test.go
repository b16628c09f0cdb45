package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// noCheck is a store that lost its key check.
type noCheck struct{ backend }

func (noCheck) KeyCheck(context.Context) ([]byte, error) { return nil, store.ErrNotFound }

var errCrash = errors.New("crash")

// crashing fails every call from the n-th on that a rotation makes.
type crashing struct {
	backend
	left int
}

func (c *crashing) step() error {
	if c.left--; c.left < 0 {
		return errCrash
	}
	return nil
}

func (c *crashing) PutDataKey(ctx context.Context, t tenant.ID, k store.WrappedKey) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.backend.PutDataKey(ctx, t, k)
}

func (c *crashing) ReplaceKeyCheck(ctx context.Context, doc []byte) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.backend.ReplaceKeyCheck(ctx, doc)
}

func (c *crashing) SealedTenants(ctx context.Context) ([]tenant.ID, error) {
	if err := c.step(); err != nil {
		return nil, err
	}
	return c.backend.SealedTenants(ctx)
}

func tenants() []tenant.ID { return []tenant.ID{acme, globex, "initech"} }

// filled is a store in which every tenant has a credential.
func filled(t *testing.T, file string) (store.Credentials, *Vault) {
	t.Helper()
	creds := newStore(t)
	v := newVault(t, creds, file)
	for _, id := range tenants() {
		seal(t, v, id, ZendeskToken, "token of "+string(id))
	}
	return creds, v
}

func allOpen(t *testing.T, v *Vault) {
	t.Helper()
	for _, id := range tenants() {
		opens(t, v, id, ZendeskToken, "token of "+string(id))
	}
}

func TestRotationRewrapsKeysAndTouchesNoCredential(t *testing.T) {
	file, next := keyPath(t), randomKey()
	creds, v := filled(t, file)
	old, derived, print := content(t, file), v.DeriveKey("nats"), v.Fingerprint()
	before, _ := creds.Credential(t.Context(), acme, string(ZendeskToken))
	if err := v.RotateMaster(t.Context(), bytes.Clone(next)); err != nil {
		t.Fatal(err)
	}
	allOpen(t, v)
	again := newVault(t, creds, file)
	allOpen(t, again)
	if m, err := readKey(file); err != nil || !bytes.Equal(m.key(), next) || again.Fingerprint() == print {
		t.Fatalf("the key file does not hold the new key: %v", err)
	}
	if !bytes.Equal(again.DeriveKey("nats"), derived) || bytes.Equal(again.DeriveKey("other"), derived) {
		t.Fatal("derived keys must stay through a rotation and differ by purpose")
	}
	if after, _ := creds.Credential(t.Context(), acme, string(ZendeskToken)); !bytes.Equal(after.Box, before.Box) {
		t.Fatal("a credential was sealed again")
	}
	if err := v.RotateMaster(t.Context(), next); err != nil { // once more: nothing to do
		t.Fatal(err)
	}
	if _, err := os.Stat(file + nextSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the next key file is still there: %v", err)
	}
	write(t, file, old, 0o600)
	_, err := Open(t.Context(), Options{KeyFile: file}, creds)
	refused(t, err, fault.VaultKey)
}

func TestARotationGoesOnAfterACrashAtAnyStep(t *testing.T) {
	for step := range 8 {
		t.Run(fmt.Sprint("crash after step ", step), func(t *testing.T) {
			file := keyPath(t)
			creds, v := filled(t, file)
			derived := v.DeriveKey("nats")
			v.store = &crashing{backend: creds, left: step}
			crashed := v.RotateMaster(t.Context(), nil)
			if (crashed == nil) != (step >= 6) { // list, three keys, check, list
				t.Fatalf("the crash did not happen: %v", crashed)
			}
			v.store = creds
			allOpen(t, v) // in the process itself
			again := newVault(t, creds, file)
			allOpen(t, again) // and after a restart
			seal(t, again, "umbrella", ZendeskToken, "new")
			if _, err := os.Stat(file + nextSuffix); err == nil {
				refused(t, again.RotateMaster(t.Context(), randomKey()), fault.VaultKey) // another key must wait
			}
			if err := again.RotateMaster(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			last := newVault(t, creds, file)
			allOpen(t, last)
			opens(t, last, "umbrella", ZendeskToken, "new")
			if len(last.keys) != 1 || !bytes.Equal(last.DeriveKey("nats"), derived) {
				t.Fatal("the rotation did not come to its end")
			}
		})
	}
}

func TestAnotherProcessFollowsARotation(t *testing.T) {
	file := keyPath(t)
	creds, v := filled(t, file)
	other := newVault(t, creds, file)
	for range 3 {
		if err := v.RotateMaster(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		allOpen(t, other)
	}
	if err := v.RotateMaster(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	seal(t, other, "umbrella", ZendeskToken, "new") // a new data key, and the other knows only the old master key
	opens(t, newVault(t, creds, file), "umbrella", ZendeskToken, "new")
}

func TestSealsDuringRotationsAreKept(t *testing.T) {
	file := keyPath(t)
	creds, v := filled(t, file)
	other := newVault(t, creds, file)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			who := []*Vault{v, other}[i%2]
			id := tenant.ID(fmt.Sprint("t", i))
			if err := who.Seal(t.Context(), id, ZendeskToken, secret.New(string(id))); err != nil {
				t.Errorf("seal %s: %v", id, err)
			}
		})
	}
	for range 5 {
		if err := v.RotateMaster(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	last := newVault(t, creds, file)
	allOpen(t, last)
	for i := range 20 {
		opens(t, last, tenant.ID(fmt.Sprint("t", i)), ZendeskToken, fmt.Sprint("t", i))
	}
}

func TestAClosedVaultOpensNothing(t *testing.T) {
	_, v := filled(t, keyPath(t))
	key := v.keys[0].key()
	v.Close()
	if zero := make([]byte, keySize); !bytes.Equal(key, zero) || !bytes.Equal(v.root(), zero) {
		t.Fatal("keys are still in memory")
	}
	if v.Fingerprint() != "" {
		t.Fatal("a closed vault has no key")
	}
}
