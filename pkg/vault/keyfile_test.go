package vault

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func TestKeyFiles(t *testing.T) {
	raw := []byte("0123456789abcdef0123456789abcde\n") // 32 bytes, the last one white space
	for name, c := range map[string]struct {
		content []byte
		mode    os.FileMode
		ok      bool
	}{
		"raw bytes":                   {raw, 0o600, true},
		"hexadecimal":                 {[]byte(hex.EncodeToString(raw)), 0o400, true},
		"hexadecimal with a new line": {[]byte(hex.EncodeToString(raw) + "\r\n"), 0o600, true},
		"base64":                      {[]byte(base64.StdEncoding.EncodeToString(raw) + "\n"), 0o600, true},
		"base64 for URLs":             {[]byte(base64.RawURLEncoding.EncodeToString(raw)), 0o600, true},
		"readable by its group":       {raw, 0o440, true},
		"readable by others":          {raw, 0o644, false},
		"writable by its group":       {raw, 0o660, false},
		"executable by others":        {raw, 0o601, false},
		"empty":                       {nil, 0o600, false},
		"a short key":                 {raw[:31], 0o600, false},
		"a long key":                  {append([]byte("x"), raw...), 0o600, false},
		"half a key in hexadecimal":   {[]byte(hex.EncodeToString(raw[:16]) + "\n"), 0o600, false},
		"a placeholder of zeros":      {make([]byte, 32), 0o600, false},
		"a text":                      {[]byte("change me"), 0o600, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := keyPath(t)
			write(t, file, c.content, c.mode)
			m, err := readKey(file)
			if c.ok && (err != nil || !bytes.Equal(m.key(), raw)) {
				t.Fatalf("refused: %v", err)
			}
			if !c.ok {
				refused(t, err, fault.VaultKey)
			}
		})
	}
	_, err := readKey(t.TempDir())
	refused(t, err, fault.VaultKey)
}

func TestACreatedKeyIsForItsOwnerOnlyAndNeverReplaced(t *testing.T) {
	file := keyPath(t)
	v := newVault(t, newStore(t), file)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	before := content(t, file)
	if err := createKey(file, randomKey()); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("got %v, want fs.ErrExist", err)
	}
	if !bytes.Equal(before, content(t, file)) {
		t.Fatal("the key file was overwritten")
	}
	m, err := readKey(file)
	if err != nil || m.fingerprint != v.Fingerprint() || len(m.fingerprint) != 32 {
		t.Fatalf("fingerprint %q, %v", m.fingerprint, err)
	}
}

func TestStartsThatMustFailChangeNothing(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, file string, creds store.Store) store.Credentials{
		"the key file is gone": func(t *testing.T, file string, creds store.Store) store.Credentials {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			return creds
		},
		"the key file holds another key": func(t *testing.T, file string, creds store.Store) store.Credentials {
			write(t, file, randomKey(), 0o600)
			return creds
		},
		"the key file may be read by others": func(t *testing.T, file string, creds store.Store) store.Credentials {
			write(t, file, content(t, file), 0o604)
			return creds
		},
		"the key check is gone": func(_ *testing.T, _ string, creds store.Store) store.Credentials {
			return noCheck{creds}
		},
		"the key check was changed": func(t *testing.T, _ string, creds store.Store) store.Credentials {
			doc, _ := creds.KeyCheck(t.Context())
			doc = bytes.Replace(doc, []byte(`"root":"`), []byte(`"root":"AAAA`), 1)
			if err := creds.ReplaceKeyCheck(t.Context(), doc); err != nil {
				t.Fatal(err)
			}
			return creds
		},
	} {
		t.Run(name, func(t *testing.T) {
			creds, file := newStore(t), keyPath(t)
			seal(t, newVault(t, creds, file), acme, ZendeskToken, "value")
			used := spoil(t, file, creds)
			check, _ := creds.KeyCheck(t.Context())
			key, keyErr := os.ReadFile(file)
			_, err := Open(t.Context(), Options{KeyFile: file, Create: true}, used)
			refused(t, err, fault.VaultKey)
			checkAfter, _ := creds.KeyCheck(t.Context())
			keyAfter, keyErrAfter := os.ReadFile(file)
			if !bytes.Equal(check, checkAfter) || !bytes.Equal(key, keyAfter) || (keyErr == nil) != (keyErrAfter == nil) {
				t.Fatal("the refused start changed the key file or the key check")
			}
		})
	}
	t.Run("no key file, and none may be made", func(t *testing.T) {
		_, err := Open(t.Context(), Options{KeyFile: keyPath(t)}, newStore(t))
		refused(t, err, fault.VaultKey)
	})
}

// blindOnce looks for the key check one moment before another process writes it.
type blindOnce struct {
	backend
	looked bool
}

func (b *blindOnce) KeyCheck(ctx context.Context) ([]byte, error) {
	if !b.looked {
		b.looked = true
		return nil, store.ErrNotFound
	}
	return b.backend.KeyCheck(ctx)
}

func TestAStartThatAnotherProcessOvertookTakesItsKeyCheck(t *testing.T) {
	creds, file := newStore(t), keyPath(t)
	seal(t, newVault(t, creds, file), acme, ZendeskToken, "value")
	v, err := Open(t.Context(), Options{KeyFile: file, Create: true}, &blindOnce{backend: creds})
	if err != nil {
		t.Fatal(err)
	}
	opens(t, v, acme, ZendeskToken, "value")
}
