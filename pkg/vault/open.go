package vault

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/ml-connector/ml-connector/pkg/store"
)

// Options say where the master key is.
type Options struct {
	// KeyFile holds 32 bytes as hexadecimal, base64 or raw. Nobody but its owner and group may read it.
	KeyFile string
	// Create makes the file on the very first start. It never makes one when something was sealed already.
	Create bool
}

// Vault seals and opens credentials. Its methods may be called from many goroutines.
type Vault struct {
	file  string
	store store.Credentials

	mu   sync.RWMutex
	keys []master // the one that wraps new data keys first, then those that may still be met during a rotation
	root hidden

	rotating sync.Mutex
}

var (
	_ Opener  = (*Vault)(nil)
	_ Sealer  = (*Vault)(nil)
	_ Swapper = (*Vault)(nil)
)

// Open reads the master key and proves that it is the one that sealed what is in creds; else it fails with code VAULT_KEY
// and changes nothing. A rotation that a crash left behind its last step is brought to its end.
func Open(ctx context.Context, o Options, creds store.Credentials) (*Vault, error) {
	v := &Vault{file: o.KeyFile, store: creds}
	c, err := readCheck(ctx, creds)
	if err != nil {
		return nil, err
	}
	if c == nil {
		if c, err = v.first(ctx, o); err != nil {
			return nil, err
		}
	}
	if err := v.load(c); err != nil {
		return nil, err
	}
	if err := v.finish(ctx); err != nil {
		return nil, err
	}
	return v, nil
}

// first writes the key check, and the key file where that is allowed. Processes that start at once agree on one key:
// the file is created once, the check is put once, and everybody reads both again.
func (v *Vault) first(ctx context.Context, o Options) (*check, error) {
	sealed, err := v.store.SealedTenants(ctx)
	if err != nil {
		return nil, err
	}
	if len(sealed) > 0 {
		return v.overtaken(ctx)
	}
	m, err := readKey(o.KeyFile)
	if errors.Is(err, fs.ErrNotExist) && o.Create {
		key := randomKey()
		defer clear(key)
		if err := createKey(o.KeyFile, key); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		m, err = readKey(o.KeyFile)
	}
	if err != nil {
		return nil, err
	}
	defer m.wipe()
	if err := v.putCheck(ctx, m); err != nil {
		return nil, err
	}
	return readCheck(ctx, v.store)
}

// overtaken reads the key check again: another process may have started and sealed since it was looked for.
func (v *Vault) overtaken(ctx context.Context) (*check, error) {
	c, err := readCheck(ctx, v.store)
	if err == nil && c == nil {
		err = keyFault(nil, "there are sealed credentials, but the key check is gone: restore the whole store")
	}
	return c, err
}

func (v *Vault) putCheck(ctx context.Context, m master) error {
	root := randomKey()
	defer clear(root)
	doc, err := newCheck(m, root)
	if err != nil {
		return err
	}
	if err := v.store.PutKeyCheck(ctx, doc); err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	return nil
}

// load reads the key files and takes the key that c names as the current one.
func (v *Vault) load(c *check) error {
	var keys []master
	for _, path := range []string{v.file + nextSuffix, v.file} { // in this order a rename in between hides no key
		m, err := readKey(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		keys = append(keys, m)
	}
	if len(keys) == 0 {
		return keyFault(fs.ErrNotExist, "the key file "+v.file+" is missing, and there are sealed credentials: put it back")
	}
	root, current, err := c.root(keys)
	if err != nil {
		return err
	}
	defer clear(root)
	ordered := []master{current}
	for _, m := range keys {
		if m.fingerprint != current.fingerprint {
			ordered = append(ordered, m)
		}
	}
	v.use(ordered, root)
	return nil
}

// use replaces the keys in memory, the current one first.
func (v *Vault) use(keys []master, root []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys, v.root = keys, hide(root)
}

// Fingerprint names the current master key without giving it away: an HMAC, the same on every start.
func (v *Vault) Fingerprint() string { return v.current().fingerprint }

// DeriveKey gives a part of the system 32 bytes of its own, the same on every start and through every rotation of the
// master key. Different purposes give unrelated keys.
func (v *Vault) DeriveKey(purpose string) []byte {
	v.mu.RLock()
	defer v.mu.RUnlock()
	key, err := hkdf.Key(sha256.New, v.root(), nil, "mlc v1 derived key: "+purpose, keySize)
	if err != nil { // only for lengths beyond 8160 bytes
		panic(err)
	}
	return key
}

// Close overwrites the keys in memory; the vault is of no use afterwards.
func (v *Vault) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range v.keys {
		m.wipe()
	}
	v.keys = nil
	clear(v.root())
}

// Format shows the master key's fingerprint whatever the verb.
func (v *Vault) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[vault "+v.Fingerprint()+"]") }

func (v *Vault) current() master {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if len(v.keys) == 0 {
		return master{}
	}
	return v.keys[0]
}
