package natsembed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The server cuts a damaged block behind the last whole message (failures.md I18). What is stored behind the cut is
// still there after the next start, also where the blocks are encrypted and the server has to read them anew.
func TestWhatIsStoredBehindACutCanBeRead(t *testing.T) {
	for name, hurt := range map[string]func([]byte) []byte{
		"a torn end":    func(b []byte) []byte { return b[:len(b)-20] },
		"a flipped bit": func(b []byte) []byte { b[len(b)-20] ^= 4; return b },
		"zeros":         func(b []byte) []byte { clear(b[len(b)-100:]); return b },
	} {
		for what, key := range map[string][]byte{"encrypted": []byte(strings.Repeat("k", 32)), "plain": nil} {
			t.Run(name+", "+what, func(t *testing.T) {
				o := Options{Dir: t.TempDir(), Key: key}
				s := start(t, o)
				use(t, s, "one", 0)
				use(t, s, "two", 1)
				stop(t, s)
				list, err := filepath.Glob(filepath.Join(o.Dir, "jetstream", "*", "streams", "ERP_acme", "msgs", "*.blk"))
				if err != nil || len(list) != 1 {
					t.Fatalf("blocks %v, %v", list, err)
				}
				b, err := os.ReadFile(list[0])
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(list[0], hurt(b), 0o600); err != nil {
					t.Fatal(err)
				}
				forgetAll(t, list)
				s = start(t, o)
				use(t, s, "three", 1) // "two" is what was hurt
				stop(t, s)
				forgetAll(t, list)
				use(t, start(t, o), "four", 2)
			})
		}
	}
}

// forgetAll leaves the folder as after a power cut: the server must look into the blocks.
func forgetAll(t *testing.T, blocks []string) {
	t.Helper()
	for _, path := range blocks {
		if err := os.Remove(filepath.Join(filepath.Dir(path), "index.db")); err != nil {
			t.Fatal(err)
		}
	}
}
