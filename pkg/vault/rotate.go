package vault

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// RotateMaster makes newKey (32 bytes; nil makes a random one) the master key and rewraps the data keys and the root key;
// credentials are not touched. It writes the new key beside the key file (.next) before anything else, so that a crash at
// any point leaves a vault that opens, and calling it again goes on where it stopped. Other processes that share the key
// file follow by themselves. Rotating to the current key does nothing.
func (v *Vault) RotateMaster(ctx context.Context, newKey []byte) error {
	v.rotating.Lock()
	defer v.rotating.Unlock()
	if err := v.reload(ctx); err != nil {
		return err
	}
	next, err := v.nextKey(newKey)
	if err != nil || next.fingerprint == v.Fingerprint() {
		return err
	}
	return v.rotate(ctx, v.current(), next)
}

func (v *Vault) rotate(ctx context.Context, old, next master) error {
	root := v.rootKey()
	defer clear(root)
	v.use([]master{old, next}, root)
	if err := v.rewrap(ctx, next); err != nil {
		return err
	}
	doc, err := newCheck(next, root)
	if err != nil {
		return err
	}
	if err := v.store.ReplaceKeyCheck(ctx, doc); err != nil {
		return err
	}
	v.use([]master{next, old}, root)
	return v.finish(ctx)
}

// rootKey is a copy for the caller to clear.
func (v *Vault) rootKey() []byte {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return bytes.Clone(v.root())
}

// nextKey reads the key of an unfinished rotation, or writes newKey as the next one.
func (v *Vault) nextKey(newKey []byte) (master, error) {
	if newKey != nil && len(newKey) != keySize {
		return master{}, keyFault(nil, "the new master key has not 32 bytes")
	}
	path := v.file + nextSuffix
	next, err := readKey(path)
	if err == nil {
		if newKey != nil && !bytes.Equal(newKey, next.key()) {
			return master{}, keyFault(nil, "a rotation to another key, in "+path+", is not finished: finish it first")
		}
		return next, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return master{}, err
	}
	if newKey == nil {
		newKey = randomKey()
		defer clear(newKey)
	}
	if next = newMaster(newKey); next.fingerprint == v.Fingerprint() {
		return next, nil
	}
	return next, createKey(path, newKey)
}

// finish ends a rotation whose key check is written: data keys that came in meanwhile are rewrapped, the next key file
// becomes the key file, and the old key is forgotten.
func (v *Vault) finish(ctx context.Context) error {
	if !v.pending() {
		return nil
	}
	next, err := readKey(v.file + nextSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	defer next.wipe()
	if next.fingerprint != v.Fingerprint() {
		return nil // the rotation is before its key check: RotateMaster goes on with it
	}
	if err := v.rewrap(ctx, v.current()); err != nil {
		return err
	}
	if err := promote(v.file); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, old := range v.keys[1:] {
		old.wipe()
	}
	v.keys = v.keys[:1]
	return nil
}

// rewrap wraps every data key under m; those that are already stay as they are.
func (v *Vault) rewrap(ctx context.Context, m master) error {
	tenants, err := v.store.SealedTenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		k, err := v.store.DataKey(ctx, t)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || k.Master == m.fingerprint {
			continue
		}
		key, err := v.unwrap(t, k)
		if err != nil {
			return err
		}
		again, err := wrap(m, t, k.ID, key, k.At)
		clear(key)
		if err != nil {
			return err
		}
		if err := v.store.PutDataKey(ctx, t, again); err != nil {
			return err
		}
		crash.Point("vault.mid_rewrap")
	}
	return nil
}

// pending tells whether a rotation is on its way.
func (v *Vault) pending() bool {
	_, err := os.Lstat(v.file + nextSuffix)
	return err == nil
}
