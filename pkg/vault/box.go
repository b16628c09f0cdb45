package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

const keySize = 32 // AES-256

// hidden holds key bytes in a function, because fmt finds its way through pointers: a verb that does not fit, such as %s,
// prints what an unexported pointer to an array points to, without asking any Format method.
type hidden func() []byte

// hide copies key.
func hide(key []byte) hidden {
	own := bytes.Clone(key)
	return func() []byte { return own }
}

// master is a master key with its fingerprint.
type master struct {
	key         hidden
	fingerprint string
}

// newMaster copies key.
func newMaster(key []byte) master {
	m := master{key: hide(key)}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("mlc v1 master key fingerprint"))
	m.fingerprint = hex.EncodeToString(mac.Sum(nil)[:16])
	return m
}

// Format shows the fingerprint whatever the verb.
func (m master) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[master key "+m.fingerprint+"]")
}

// wipe overwrites the key; Go may have left copies (failures.md 5.5).
func (m master) wipe() { clear(m.key()) }

// randomKey makes 32 bytes that nobody can guess; crypto/rand never fails (it ends the process instead).
func randomKey() []byte {
	key := make([]byte, keySize)
	_, _ = rand.Read(key)
	return key
}

// bind joins fields with their lengths, so that no two lists of fields are the same bytes (failures.md 5.5).
func bind(fields ...string) []byte {
	var b []byte
	for _, f := range append([]string{"mlc", "v1"}, fields...) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

// sealBox encrypts plain for the place that bound names; nonce and tag are inside, 28 bytes in all.
func sealBox(key, plain, bound []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, bound), nil
}

// openBox undoes sealBox; it fails when a bit of box or bound differs.
func openBox(key, box, bound []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, box, bound)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
