package natsembed

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

const (
	lockName = "lock"
	keyName  = "key.id"
)

// checkKey compares the key with the fingerprint kept in the folder and writes the fingerprint on first use. With a
// wrong key the server starts, misses its streams, and deletes their files when they are created again (broker.md 6.3).
func checkKey(dir string, key []byte) error {
	path := filepath.Join(dir, keyName)
	have, err := os.ReadFile(path)
	want := fingerprint(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if used(dir) && len(key) > 0 {
			return &fault.Error{Kind: fault.Config, Code: fault.VaultKey, Op: "broker folder " + dir,
				Detail: "holds streams that were written without a key", Next: "start without a broker key, or move the folder away"}
		}
		return writeSynced(path, want)
	case err != nil:
		return fault.Wrap(err, fault.Config, fault.BadConfig, "broker key fingerprint")
	case !bytes.Equal(bytes.TrimSpace(have), bytes.TrimSpace(want)):
		return &fault.Error{Kind: fault.Config, Code: fault.VaultKey, Op: "broker folder " + dir,
			Detail: "was written with another encryption key", Next: "give the key that the folder was created with"}
	}
	return nil
}

// fingerprint tells keys apart without revealing them; no key has a name too.
func fingerprint(key []byte) []byte {
	if len(key) == 0 {
		return []byte("none\n")
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte("ml-jetstream"))
	return []byte(hex.EncodeToString(m.Sum(nil)) + "\n")
}

func used(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "jetstream"))
	return err == nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fault.Wrap(err, fault.Config, fault.BadConfig, "broker key fingerprint")
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
