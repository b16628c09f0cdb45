package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/ml-connector/ml-connector/pkg/store"
)

// check is what the store keeps to recognise the master key: its fingerprint, and the root key wrapped by it. The root
// key stays the same through rotations, so that what is encrypted under derived keys (the broker's files) stays readable.
type check struct {
	Version int    `json:"v"`
	Master  string `json:"master"`
	Root    []byte `json:"root"`
}

// newCheck wraps root under m.
func newCheck(m master, root []byte) ([]byte, error) {
	box, err := sealBox(m.key(), root, bind("root", m.fingerprint))
	if err != nil {
		return nil, keyFault(err, "wrap the root key")
	}
	return json.Marshal(check{Version: 1, Master: m.fingerprint, Root: box})
}

// readCheck is nil before the first start.
func readCheck(ctx context.Context, creds store.Credentials) (*check, error) {
	doc, err := creds.KeyCheck(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c check
	dec := json.NewDecoder(bytes.NewReader(doc))
	if err := dec.Decode(&c); err != nil || c.Version != 1 {
		return nil, keyFault(nil, "the store holds a key check that this release does not know")
	}
	return &c, nil
}

// root opens the root key with the master key that the check names.
func (c *check) root(keys []master) (root []byte, by master, err error) {
	for _, m := range keys {
		if m.fingerprint != c.Master {
			continue
		}
		root, err := openBox(m.key(), c.Root, bind("root", m.fingerprint))
		if err != nil {
			return nil, m, keyFault(errNotOpen, "the key check in the store was changed")
		}
		return root, m, nil
	}
	return nil, master{}, keyFault(errNoKey, "the credentials were sealed under the key "+c.Master+", the key file holds another one")
}
