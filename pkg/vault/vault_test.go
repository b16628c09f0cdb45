package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func TestTwoTenantsKeepTheirOwnCredentials(t *testing.T) {
	v := newVault(t, newStore(t), keyPath(t))
	for _, p := range Purposes() {
		seal(t, v, acme, p, "a "+string(p))
		seal(t, v, globex, p, "g "+string(p))
	}
	seal(t, v, acme, ZendeskToken, "newer")
	opens(t, v, acme, ZendeskToken, "newer")
	opens(t, v, globex, ZendeskToken, "g "+string(ZendeskToken))
	opens(t, v, acme, HCMPassword, "a "+string(HCMPassword))
	_, err := v.Open(t.Context(), "initech", ZendeskToken)
	refused(t, err, fault.NoCredential)

	set, err := v.List(t.Context(), acme)
	if err != nil || len(set) != len(Purposes()) {
		t.Fatalf("list: %d of %d, %v", len(set), len(Purposes()), err)
	}
	for _, s := range set {
		if want := map[bool]int64{true: 2, false: 1}[s.Purpose == ZendeskToken]; s.Version != want || s.At.IsZero() {
			t.Errorf("%s: version %d set at %v", s.Purpose, s.Version, s.At)
		}
	}
}

func TestWhatCannotBeSealedIsRefused(t *testing.T) {
	v := newVault(t, newStore(t), keyPath(t))
	refused(t, v.Seal(t.Context(), acme, "zendesk.pasword", secret.New("x")), fault.BadConfig)
	refused(t, v.Seal(t.Context(), acme, ZendeskToken, secret.New("")), fault.NoCredential)
	refused(t, v.Seal(t.Context(), acme, ZendeskToken, secret.String{}), fault.NoCredential)
}

// The box is AES-256-GCM as everybody knows it, nonce first, bound to length-prefixed fields: opened here by hand.
func TestTheFormatOfABoxIsFixed(t *testing.T) {
	creds := newStore(t)
	v := newVault(t, creds, keyPath(t))
	seal(t, v, acme, ZendeskToken, "value")
	s, _ := creds.Credential(t.Context(), acme, string(ZendeskToken))
	id, key, err := v.dataKey(t.Context(), acme)
	if err != nil || id != s.KeyID || len(key) != 32 {
		t.Fatalf("data key: %v", err)
	}
	block, _ := aes.NewCipher(key)
	aead, _ := cipher.NewGCM(block)
	bound := "\x00\x00\x00\x03mlc\x00\x00\x00\x02v1\x00\x00\x00\x04acme\x00\x00\x00\x11zendesk.api_token\x00\x00\x00\x011" +
		fmt.Sprintf("\x00\x00\x00%c", len(id)) + id
	plain, err := aead.Open(nil, s.Box[:12], s.Box[12:], []byte(bound))
	if err != nil || string(plain) != "value" {
		t.Fatalf("got %q, %v", plain, err)
	}
}

// Every pair of places of tenant × purpose × version × key id: a box opens only where it was sealed.
func TestABoxOpensNowhereElse(t *testing.T) {
	type spot struct {
		t tenant.ID
		s store.Sealed
	}
	var spots []spot
	for _, id := range []tenant.ID{acme, globex, "acme1", "a"} {
		for _, purpose := range []string{"cme", "me", string(ZendeskToken), string(HCMPassword)} {
			for _, version := range []int64{1, 11, 2} {
				for _, key := range []string{"k", "1k", "k2"} {
					spots = append(spots, spot{id, store.Sealed{Purpose: purpose, Version: version, KeyID: key}})
				}
			}
		}
	}
	key := randomKey() // one key for all: only the binding tells them apart
	for i, from := range spots {
		box, err := sealBox(key, []byte("value"), place(from.t, from.s))
		if err != nil {
			t.Fatal(err)
		}
		for j, to := range spots {
			if _, err := openBox(key, box, place(to.t, to.s)); (err == nil) != (i == j) {
				t.Fatalf("%+v opened at %+v: %v", from, to, err)
			}
		}
	}
}

func TestRowsMovedInTheStoreDoNotOpen(t *testing.T) {
	creds := newStore(t)
	v := newVault(t, creds, keyPath(t))
	for _, id := range []tenant.ID{acme, globex} {
		seal(t, v, id, ZendeskToken, "token")
		seal(t, v, id, HCMPassword, "password")
	}
	row := func(id tenant.ID, p Purpose) store.Sealed {
		s, _ := creds.Credential(context.Background(), id, string(p))
		return s
	}
	theirKey, _ := creds.DataKey(t.Context(), globex)
	moved := row(acme, HCMPassword)
	moved.Purpose = string(ZendeskToken)
	older := row(acme, ZendeskToken)
	older.Version++
	otherKey := row(acme, ZendeskToken)
	otherKey.KeyID = "other"
	for name, c := range map[string]struct {
		s    store.Sealed
		keys map[tenant.ID]store.WrappedKey
		want fault.Code
	}{
		"from another tenant":                  {row(globex, ZendeskToken), nil, fault.VaultSealed},
		"from another purpose":                 {moved, nil, fault.VaultSealed},
		"with another version":                 {older, nil, fault.VaultSealed},
		"with another key id":                  {otherKey, nil, fault.VaultSealed},
		"from another tenant, with its key":    {row(globex, ZendeskToken), map[tenant.ID]store.WrappedKey{acme: theirKey}, fault.VaultKey},
		"its own, with another tenant's key":   {row(acme, ZendeskToken), map[tenant.ID]store.WrappedKey{acme: theirKey}, fault.VaultKey},
		"its own, where it belongs (no fault)": {row(acme, ZendeskToken), nil, fault.Unclassified},
	} {
		t.Run(name, func(t *testing.T) {
			v.store = &fake{backend: creds, keys: c.keys, sealed: map[tenant.ID]map[string]store.Sealed{acme: {string(ZendeskToken): c.s}}}
			_, err := v.Open(t.Context(), acme, ZendeskToken)
			refused(t, err, c.want)
		})
	}
}

func TestEverySingleFlippedBitIsRefused(t *testing.T) {
	creds := newStore(t)
	v := newVault(t, creds, keyPath(t))
	seal(t, v, acme, ZendeskToken, "value")
	s, _ := creds.Credential(t.Context(), acme, string(ZendeskToken))
	k, _ := creds.DataKey(t.Context(), acme)
	for bit := range len(s.Box) * 8 {
		s.Box[bit/8] ^= 1 << (bit % 8)
		v.store = &fake{backend: creds, sealed: map[tenant.ID]map[string]store.Sealed{acme: {string(ZendeskToken): s}}}
		_, err := v.Open(t.Context(), acme, ZendeskToken)
		refused(t, err, fault.VaultSealed)
		s.Box[bit/8] ^= 1 << (bit % 8)
	}
	for bit := range len(k.Box) * 8 {
		k.Box[bit/8] ^= 1 << (bit % 8)
		v.store = &fake{backend: creds, keys: map[tenant.ID]store.WrappedKey{acme: k}}
		_, err := v.Open(t.Context(), acme, ZendeskToken)
		refused(t, err, fault.VaultKey)
		k.Box[bit/8] ^= 1 << (bit % 8)
	}
	v.store = creds
	opens(t, v, acme, ZendeskToken, "value")
	for cut := range len(s.Box) {
		if _, err := openBox(randomKey(), s.Box[:cut], nil); err == nil {
			t.Fatalf("a box of %d bytes opened", cut)
		}
	}
}

// Two processes start on an empty store with one key file, and seal the first credentials at once.
func TestManyProcessesAgreeOnOneKey(t *testing.T) {
	creds, file := newStore(t), keyPath(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			v, err := Open(t.Context(), Options{KeyFile: file, Create: true}, creds)
			if err != nil {
				t.Errorf("process %d: %v", i, err)
				return
			}
			p := Purposes()[i]
			if err := v.Seal(t.Context(), acme, p, secret.New(string(p))); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
			if err := v.Seal(t.Context(), globex, ZendeskToken, secret.New("same")); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	v := newVault(t, creds, file)
	for i := range 8 {
		opens(t, v, acme, Purposes()[i], string(Purposes()[i]))
	}
	opens(t, v, globex, ZendeskToken, "same")
	if s, _ := creds.Credential(t.Context(), globex, string(ZendeskToken)); s.Version != 8 {
		t.Fatalf("eight seals made version %d", s.Version)
	}
}

func TestNothingPrintsAKeyOrAValue(t *testing.T) {
	const canary = "canary-7f3a9e51"
	key := []byte("canary-key-0123456789-abcdefghij")
	creds, file := newStore(t), keyPath(t)
	write(t, file, key, 0o600)
	v := newVault(t, creds, file)
	seal(t, v, acme, ZendeskToken, canary)
	value, err := v.Open(t.Context(), acme, ZendeskToken)
	if err != nil || value.Reveal() != canary {
		t.Fatal("the canary is not in the vault")
	}
	s, _ := creds.Credential(t.Context(), acme, string(ZendeskToken))
	s.Box[20] ^= 1
	v.store = &fake{backend: creds, sealed: map[tenant.ID]map[string]store.Sealed{acme: {string(ZendeskToken): s}}}
	_, sealedErr := v.Open(t.Context(), acme, ZendeskToken)
	v.store = creds
	list, _ := v.List(t.Context(), acme)
	write(t, file, key, 0o644)
	_, modeErr := Open(t.Context(), Options{KeyFile: file}, creds)
	write(t, file, append(key, "-too-long"...), 0o600)
	_, formErr := Open(t.Context(), Options{KeyFile: file}, creds)
	printed := everyPrinter(v, struct{ inside *Vault }{v}, struct{ keys []master }{v.keys}, v.keys[0], v.keys, v.root,
		value, struct{ s secret.String }{value}, list, s, sealedErr, modeErr, formErr,
		v.Seal(t.Context(), acme, "wrong", secret.New(canary)))
	for form, bad := range forms(canary, string(key)) {
		if strings.Contains(printed, bad) {
			t.Errorf("printed as %s", form)
		}
	}
	if errors.Join(sealedErr, modeErr, formErr) == nil || !strings.Contains(printed, "VAULT_KEY") {
		t.Fatal("the errors to look at did not happen")
	}
}
