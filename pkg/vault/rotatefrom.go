package vault

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Holders tells which running process can read which master keys, with the promises of store.KeyHolders.
type Holders interface {
	KeyHolders(ctx context.Context) (map[string][]string, error)
}

const (
	holdersWait = 12 * time.Second // several times as long as processes take to say that they see a new file
	holdersLook = 300 * time.Millisecond
)

// Readable lists the fingerprints of the master keys that this process can read now, from its key file and the one of a
// rotation on its way.
func (v *Vault) Readable(ctx context.Context) ([]string, error) {
	if err := v.reload(ctx); err != nil {
		return nil, err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	out := make([]string, len(v.keys))
	for i, m := range v.keys {
		out[i] = m.fingerprint
	}
	return out, nil
}

// RotateFrom is RotateMaster to the key in a file, or to a random one when file is "". The new key lies beside the key
// file before any key is wrapped with it. Then every running process must say that it can read it: else the rotation
// is refused with code VAULT_KEY_IN_USE and the processes' names, nothing is wrapped, and a second call goes on. It
// answers for how many tenants there are data keys.
func (v *Vault) RotateFrom(ctx context.Context, file string, holders Holders) (tenants int, err error) {
	var key []byte
	if file != "" {
		m, err := readKey(file)
		if err != nil {
			return 0, err
		}
		key = append(key, m.key()...)
		defer clear(key)
		m.wipe()
	}
	next, err := v.prepare(ctx, key)
	if err != nil {
		return 0, err
	}
	if err := everybody(ctx, holders, next); err != nil {
		return 0, err
	}
	if err := v.RotateMaster(ctx, key); err != nil {
		return 0, err
	}
	all, err := v.store.SealedTenants(ctx)
	return len(all), err
}

// prepare puts the next key beside the key file and answers its fingerprint.
func (v *Vault) prepare(ctx context.Context, key []byte) (string, error) {
	v.rotating.Lock()
	defer v.rotating.Unlock()
	if err := v.reload(ctx); err != nil {
		return "", err
	}
	next, err := v.nextKey(key)
	if err != nil {
		return "", err
	}
	defer next.wipe()
	return next.fingerprint, nil
}

// everybody waits until each process that is alive can read the key.
func everybody(ctx context.Context, holders Holders, fingerprint string) error {
	tick := time.NewTicker(holdersLook)
	defer tick.Stop()
	for end := time.Now().Add(holdersWait); ; {
		all, err := holders.KeyHolders(ctx)
		if err != nil {
			return err
		}
		var without []string
		for process, keys := range all {
			if !slices.Contains(keys, fingerprint) {
				without = append(without, process)
			}
		}
		if len(without) == 0 {
			return nil
		}
		if time.Now().After(end) {
			slices.Sort(without)
			return fault.New(fault.Conflict, fault.KeyInUse, "cannot read the new key: "+strings.Join(without, ", "))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
