package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// canary is a value that nobody else has, and where it must not show.
type canary struct {
	name, value string
	forms       map[string]string // how it looks in other clothes
}

func newCanary(name, value string) canary {
	c := canary{name, value, map[string]string{"clear": value, "hex": hex.EncodeToString([]byte(value)),
		"HEX": strings.ToUpper(hex.EncodeToString([]byte(value))), "query": url.QueryEscape(value), "path": url.PathEscape(value)}}
	reversed := []byte(value)
	slices.Reverse(reversed)
	c.forms["reversed"] = string(reversed)
	wide := make([]byte, 0, 2*len(value))
	for _, b := range []byte(value) {
		wide = append(wide, b, 0)
	}
	c.forms["utf-16"] = string(wide)
	for shift := range 3 { // base64 of the value wherever it stands: what does not depend on its neighbours
		for kind, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(append(make([]byte, shift), value...))
			from, to := []int{0, 2, 3}[shift], len(text)
			if (shift+len(value))%3 != 0 {
				to--
			}
			c.forms[kind+string(rune('0'+shift))] = text[from:to]
		}
	}
	return c
}

// scan lists where canaries show in what was said at a place, compressed blocks included.
func scan(place string, said []byte, of []canary) (hits []string) {
	for _, c := range of {
		for form, text := range c.forms {
			if i := bytes.Index(said, []byte(text)); i >= 0 {
				hits = append(hits, place+": "+c.name+" as "+form+" behind "+strings.ToValidUTF8(string(said[max(0, i-60):i]), "?"))
			}
		}
	}
	for at := said; ; {
		i := bytes.Index(at, []byte{0x1f, 0x8b, 0x08})
		if i < 0 {
			return hits
		}
		at = at[i:]
		if z, err := gzip.NewReader(bytes.NewReader(at)); err == nil {
			inner, _ := io.ReadAll(io.LimitReader(z, 64<<20)) // what could be read of a cut one
			hits = append(hits, scan(place+" (compressed)", inner, of)...)
		}
		at = at[3:]
	}
}

// scanFolder scans every file but those that are there to keep a secret.
func scanFolder(t testing.TB, dir string, of []canary, but ...string) (hits []string, size int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains(but, d.Name()) {
			return err
		}
		b, err := os.ReadFile(path)
		size += len(b)
		hits = append(hits, scan(path, b, of)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits, size
}

// A scanner that finds nothing proves nothing: it finds each form, wherever it stands.
func TestTheScannerFindsACanaryInEveryForm(t *testing.T) {
	const value = "Canary/Secret+7f3a=&x"
	c := newCanary("planted", value)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"password":"` + value + `"}`))
	_ = z.Close()
	reversed := []byte(value)
	slices.Reverse(reversed)
	for name, said := range map[string]string{
		"in clear": "x" + value + "y", "in hex": hex.EncodeToString([]byte("user:" + value + "\n")), "in a query": "?a=" + url.QueryEscape(value),
		"in a path": "/" + url.PathEscape(value), "in Basic": base64.StdEncoding.EncodeToString([]byte("u:" + value)), "in Basic, shifted": base64.StdEncoding.EncodeToString([]byte("us:" + value + "!")),
		"in Basic, shifted again": base64.URLEncoding.EncodeToString([]byte("use:" + value + "??")), "backwards": "a" + string(reversed) + "b",
		"compressed": "junk\x1f\x8b" + packed.String() + "tail", "in wide characters": c.forms["utf-16"],
	} {
		if len(scan("here", []byte(said), []canary{c})) == 0 {
			t.Errorf("%s: not found in %q", name, said)
		}
	}
	if hits := scan("here", []byte("nothing of Canary or Secret"), []canary{c}); len(hits) > 0 {
		t.Errorf("found what is not there: %q", hits)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
	if hits, _ := scanFolder(t, dir, []canary{c}); len(hits) != 1 {
		t.Errorf("in a folder: %q", hits)
	}
}
