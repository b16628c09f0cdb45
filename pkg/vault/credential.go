package vault

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const tries = 10 // of a Seal that others overtake

// Set says that a credential is there; its value stays inside.
type Set struct {
	Purpose Purpose
	Version int64     // raised with every new value
	At      time.Time // when it was set
}

// Seal implements Sealer: the newest value replaces the one before. An unknown purpose or an empty value is refused.
func (v *Vault) Seal(ctx context.Context, t tenant.ID, p Purpose, value secret.String) error {
	if err := sealable(p, value); err != nil {
		return err
	}
	for range tries {
		err := v.seal(ctx, t, p, value)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fault.Wrap(store.ErrConflict, fault.Conflict, fault.StoreDown, "others set "+string(p)+" at the same time")
}

func sealable(p Purpose, value secret.String) error {
	if !slices.Contains(Purposes(), p) && !slices.Contains(Kept(), p) {
		return fault.New(fault.Config, fault.BadConfig, "unknown credential purpose "+strconv.Quote(string(p)))
	}
	if !value.IsSet() {
		return fault.New(fault.Config, fault.NoCredential, string(p)+": the value is empty")
	}
	return nil
}

func (v *Vault) seal(ctx context.Context, t tenant.ID, p Purpose, value secret.String) error {
	old, err := v.store.Credential(ctx, t, string(p))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return v.sealAs(ctx, t, p, value, old.Version+1)
}

// SealOver implements Swapper.
func (v *Vault) SealOver(ctx context.Context, t tenant.ID, p Purpose, value secret.String, over int64) error {
	if err := sealable(p, value); err != nil {
		return err
	}
	return v.sealAs(ctx, t, p, value, over+1)
}

// sealAs stores the value under a version; store.ErrConflict when there is one as new.
func (v *Vault) sealAs(ctx context.Context, t tenant.ID, p Purpose, value secret.String, version int64) error {
	id, key, err := v.ensureDataKey(ctx, t)
	if err != nil {
		return err
	}
	defer clear(key)
	plain := []byte(value.Reveal())
	defer clear(plain)
	s := store.Sealed{Purpose: string(p), Version: version, KeyID: id, At: time.Now().UTC().Truncate(time.Microsecond)}
	if s.Box, err = sealBox(key, plain, place(t, s)); err != nil {
		return keyFault(err, "seal")
	}
	return v.store.PutCredential(ctx, t, s)
}

// Open implements Opener.
func (v *Vault) Open(ctx context.Context, t tenant.ID, p Purpose) (secret.String, error) {
	value, version, err := v.OpenVersion(ctx, t, p)
	if err == nil && version == 0 {
		err = missing(p)
	}
	return value, err
}

// OpenVersion implements Swapper.
func (v *Vault) OpenVersion(ctx context.Context, t tenant.ID, p Purpose) (secret.String, int64, error) {
	s, err := v.store.Credential(ctx, t, string(p))
	if errors.Is(err, store.ErrNotFound) {
		return secret.String{}, 0, nil
	}
	if err != nil {
		return secret.String{}, 0, err
	}
	value, err := v.open(ctx, t, p, s)
	return value, s.Version, err
}

func (v *Vault) open(ctx context.Context, t tenant.ID, p Purpose, s store.Sealed) (secret.String, error) {
	id, key, err := v.dataKey(ctx, t)
	if errors.Is(err, store.ErrNotFound) {
		return secret.String{}, cannotOpen(p)
	}
	if err != nil {
		return secret.String{}, err
	}
	defer clear(key)
	if s.KeyID != id {
		return secret.String{}, cannotOpen(p)
	}
	s.Purpose = string(p) // what was asked for, whatever the row says
	plain, err := openBox(key, s.Box, place(t, s))
	if err != nil {
		return secret.String{}, cannotOpen(p)
	}
	defer clear(plain)
	return secret.New(string(plain)), nil
}

// List says which credentials of the tenant are set, by purpose.
func (v *Vault) List(ctx context.Context, t tenant.ID) ([]Set, error) {
	sealed, err := v.store.Credentials(ctx, t)
	if err != nil {
		return nil, err
	}
	set := make([]Set, len(sealed))
	for i, s := range sealed {
		set[i] = Set{Purpose: Purpose(s.Purpose), Version: s.Version, At: s.At}
	}
	return set, nil
}

// place is where a credential belongs: its box opens nowhere else.
func place(t tenant.ID, s store.Sealed) []byte {
	return bind(string(t), s.Purpose, strconv.FormatInt(s.Version, 10), s.KeyID)
}
