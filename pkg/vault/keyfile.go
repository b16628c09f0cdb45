package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// nextSuffix marks the file that holds the coming master key while a rotation is on its way.
const nextSuffix = ".next"

// readKey reads a master key: 64 hexadecimal digits, base64, or 32 raw bytes. A missing file gives fs.ErrNotExist. A
// group may read it, because that is how Kubernetes hands secrets to a process that is not root; nobody else may.
func readKey(path string) (master, error) {
	f, err := os.Open(path)
	if err != nil {
		return master{}, keyFault(err, "the key file cannot be read")
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return master{}, keyFault(err, "the key file cannot be read")
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o027 != 0 {
		return master{}, keyFault(nil, fmt.Sprintf("the key file %s has mode %04o: others may read or change it", path, mode.Perm()))
	}
	content, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return master{}, keyFault(err, "the key file cannot be read")
	}
	defer clear(content)
	key, ok := decodeKey(content)
	if !ok {
		return master{}, keyFault(nil, fmt.Sprintf("the key file %s holds no key: want 32 bytes, raw, as hexadecimal or as base64", path))
	}
	defer clear(key)
	return newMaster(key), nil
}

// decodeKey refuses a key of one repeated byte as well: that is a placeholder or a device, not a key.
func decodeKey(content []byte) ([]byte, bool) {
	key := content
	if len(content) != keySize {
		key = decodeText(bytes.TrimSpace(content))
	}
	if len(key) != keySize || bytes.Count(key, key[:1]) == keySize {
		return nil, false
	}
	return key, true
}

func decodeText(text []byte) []byte {
	if key, err := hex.DecodeString(string(text)); err == nil {
		return key
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := enc.DecodeString(string(text)); err == nil {
			return key
		}
	}
	return nil
}

// createKey writes a new key file, readable by its owner only, whole or not at all. When there is a file already it is
// left as it is, and the error is fs.ErrExist.
func createKey(path string, key []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return keyFault(err, "the key file cannot be written")
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the name that counts is the link
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return keyFault(err, "the key file cannot be written")
	}
	if err := os.Link(f.Name(), path); err != nil {
		return keyFault(err, "the key file cannot be written")
	}
	return syncDir(dir)
}

// syncDir makes a name in the folder survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return keyFault(err, "the key file's folder cannot be synced")
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return keyFault(err, "the key file's folder cannot be synced")
	}
	return nil
}

// promote makes the next key file the key file. Somebody else may have done it already.
func promote(path string) error {
	if err := os.Rename(path+nextSuffix, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return keyFault(err, "rename the key file with .next over the one without; everything is sealed under it")
	}
	return syncDir(filepath.Dir(path))
}
