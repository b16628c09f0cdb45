package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// dataKey opens the tenant's data key; the caller clears it. store.ErrNotFound when there is none.
func (v *Vault) dataKey(ctx context.Context, t tenant.ID) (id string, key []byte, err error) {
	k, err := v.store.DataKey(ctx, t)
	if err != nil {
		return "", nil, err
	}
	key, err = v.unwrap(t, k)
	if errors.Is(err, errNoKey) { // another process may have rotated the master key
		if err := v.reload(ctx); err != nil {
			return "", nil, err
		}
		key, err = v.unwrap(t, k)
	}
	return k.ID, key, err
}

// ensureDataKey is dataKey that makes the first one.
func (v *Vault) ensureDataKey(ctx context.Context, t tenant.ID) (id string, key []byte, err error) {
	id, key, err = v.dataKey(ctx, t)
	if !errors.Is(err, store.ErrNotFound) {
		return id, key, err
	}
	if err := v.reload(ctx); err != nil { // never under a master key that was rotated away
		return "", nil, err
	}
	fresh := randomKey()
	defer clear(fresh)
	k, err := v.wrap(t, strings.ToLower(rand.Text()), fresh, time.Now())
	if err != nil {
		return "", nil, err
	}
	if err := v.store.PutDataKey(ctx, t, k); err != nil && !errors.Is(err, store.ErrConflict) {
		return "", nil, err
	}
	if err := v.follow(ctx, t, fresh, k); err != nil {
		return "", nil, err
	}
	return v.dataKey(ctx, t) // ours, or that of a faster process
}

// follow rewraps a new data key when a rotation overtook its writing: the rotation may have looked before it was there.
func (v *Vault) follow(ctx context.Context, t tenant.ID, key []byte, k store.WrappedKey) error {
	if err := v.reload(ctx); err != nil || v.Fingerprint() == k.Master {
		return err
	}
	again, err := v.wrap(t, k.ID, key, k.At)
	if err != nil {
		return err
	}
	if err := v.store.PutDataKey(ctx, t, again); err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	return nil
}

// reload follows a rotation that another process did.
func (v *Vault) reload(ctx context.Context) error {
	c, err := readCheck(ctx, v.store)
	if err != nil {
		return err
	}
	if c == nil {
		return keyFault(nil, "the key check is gone from the store: restore the whole store")
	}
	v.mu.RLock()
	known := len(v.keys) > 0 && v.keys[0].fingerprint == c.Master
	v.mu.RUnlock()
	if known && !v.pending() {
		return nil
	}
	return v.load(c)
}

// wrap wraps a data key under the current master key.
func (v *Vault) wrap(t tenant.ID, id string, key []byte, at time.Time) (store.WrappedKey, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if len(v.keys) == 0 {
		return store.WrappedKey{}, keyFault(errNoKey, "the vault is closed")
	}
	return wrap(v.keys[0], t, id, key, at)
}

func wrap(m master, t tenant.ID, id string, key []byte, at time.Time) (store.WrappedKey, error) {
	box, err := sealBox(m.key(), key, bind("data key", string(t), id, m.fingerprint))
	if err != nil {
		return store.WrappedKey{}, keyFault(err, "wrap a data key")
	}
	return store.WrappedKey{ID: id, Master: m.fingerprint, Box: box, At: at.UTC().Truncate(time.Microsecond)}, nil
}

// unwrap opens a data key with the master key that it names.
func (v *Vault) unwrap(t tenant.ID, k store.WrappedKey) ([]byte, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	i := slices.IndexFunc(v.keys, func(m master) bool { return m.fingerprint == k.Master })
	if i < 0 {
		return nil, keyFault(errNoKey, "the data key of "+string(t)+" is wrapped by the key "+k.Master)
	}
	key, err := openBox(v.keys[i].key(), k.Box, bind("data key", string(t), k.ID, k.Master))
	if err != nil || len(key) != keySize {
		return nil, keyFault(errNotOpen, "the data key of "+string(t)+" was changed")
	}
	return key, nil
}
