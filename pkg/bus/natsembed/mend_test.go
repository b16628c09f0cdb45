package natsembed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A kill may come between a block's file and the file with its key. Without mend the server throws the whole stream
// away at the next start: use then finds 0 facts.
func TestAnEmptyBlockWithoutItsKeyCostsNoStream(t *testing.T) {
	for _, stream := range []string{"ERP_acme", "DEAD_acme"} {
		t.Run(stream, func(t *testing.T) {
			o := Options{Dir: t.TempDir(), Key: []byte(strings.Repeat("k", 32))}
			s := start(t, o)
			use(t, s, "one", 0)
			stop(t, s)
			msgs, err := filepath.Glob(filepath.Join(o.Dir, "jetstream", "*", "streams", stream, "msgs"))
			if err != nil || len(msgs) != 1 {
				t.Fatalf("folders of %s: %v, %v", stream, msgs, err)
			}
			if err := os.Remove(filepath.Join(msgs[0], "index.db")); err != nil { // only a shutdown in order writes it
				t.Fatal(err)
			}
			block := filepath.Join(msgs[0], "99.blk")
			if err := os.WriteFile(block, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			s = start(t, o)
			if _, err := os.Stat(block); err == nil {
				t.Error("the empty block is still there")
			}
			use(t, s, "two", 1)
			stop(t, s)
		})
	}
}

func TestBlocksThatHoldSomethingOrHaveTheirKeyAreLeftAlone(t *testing.T) {
	o := Options{Dir: t.TempDir(), Key: []byte("k")}
	msgs := filepath.Join(o.Dir, "jetstream", "$G", "streams", "ERP_acme", "msgs")
	if err := os.MkdirAll(msgs, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"1.blk": "x", "2.blk": "", "2.key": "k", "3.blk": "x", "3.key": "k"} {
		if err := os.WriteFile(filepath.Join(msgs, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := mend(o); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.blk", "2.blk", "2.key", "3.blk", "3.key"} {
		if _, err := os.Stat(filepath.Join(msgs, name)); err != nil {
			t.Error(err)
		}
	}
}
