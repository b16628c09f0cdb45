package config_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/schemas"
)

func seeds(tb testing.TB) []string {
	tb.Helper()
	var list []string
	for _, folder := range []string{"config", "config/good", "config/bad"} {
		all, err := schemas.Samples(folder)
		if err != nil {
			tb.Fatal(err)
		}
		for _, b := range all {
			list = append(list, string(b))
		}
	}
	for _, b := range badFiles() {
		if len(b) < 4096 {
			list = append(list, b)
		}
	}
	return list
}

// settle is the oracle: no panic; either problems or tenants whose documents come back.
func settle(t *testing.T, text string) {
	t.Helper()
	f, problems := config.Decode("fuzz", []byte(text))
	if len(problems) == 0 && len(f.Tenants) == 0 {
		t.Fatalf("neither problems nor tenants: %q", text)
	}
	for _, p := range problems {
		if p.Line < 1 || p.Column < 1 || p.What == "" && p.Want == "" {
			t.Fatalf("a problem without place or words: %+v in %q", p, text)
		}
	}
	if len(problems) > 0 {
		return
	}
	for _, tenant := range f.Tenants {
		doc, err := config.Doc(tenant)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := config.FromDoc(doc); err != nil {
			t.Fatalf("%v\n%q\n%s", err, text, doc)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { settle(t, text) })
}

// TestMutatedFilesNeverPanic is the fuzz target's little brother that runs every time: 20,000 mutations from one seed.
func TestMutatedFilesNeverPanic(t *testing.T) {
	all := seeds(t)
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed sequence is the point
	marks := []string{"", " ", "\n", "\t", ":", "- ", "[", "]", "{", "}", "\"", "'", "#", "&a ", "*a", "!!x ", "|\n", ">\n", "? ", "---\n", "%", "\u2028", "\x00", "\xff", "<<: "}
	for range 20_000 {
		s := all[r.IntN(len(all))]
		for range 1 + r.IntN(3) {
			at := r.IntN(len(s) + 1)
			end := min(len(s), at+r.IntN(6))
			s = s[:at] + marks[r.IntN(len(marks))] + s[end:]
		}
		settle(t, s)
	}
}

// TestBombsAreCheap gives texts of the largest size that blow up careless parsers; each must be answered soon.
func TestBombsAreCheap(t *testing.T) {
	fill := func(unit string) string { return strings.Repeat(unit, config.MaxSize/len(unit)) }
	part := func(unit string) string { return fill(unit)[:config.MaxSize/8] } // linear in its size
	var stairs strings.Builder
	for i := 0; stairs.Len() < config.MaxSize-3000; i++ {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, text := range map[string]string{
		"opening brackets":    fill("["),
		"opening braces":      fill("{a: "),
		"dashes in one line":  fill("- "),
		"question marks":      fill("? "),
		"one long word":       fill("a"),
		"many colons":         fill("a:"),
		"many keys":           fill("a: b\n"),
		"many documents":      fill("---\n"),
		"many quotes":         part("\"\" "),
		"many tags":           part("!!x "),
		"many anchors":        part("&a "),
		"stairs":              stairs.String(),
		"aliases of aliases":  "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n" + part("e: [*a, *a]\n"),
		"many keys in braces": "{" + part("a: b,  ") + "a: b}",
		"many entries":        "a: [" + part("a, ") + "a]",
		"lines at the limit":  strings.Repeat("a: b\n", 10_000),
		"a block of newlines": "a: |\n" + fill("\n")[:config.MaxSize-10],
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, problems := config.Decode("bomb", []byte(text[:min(len(text), config.MaxSize)]))
			if len(problems) == 0 {
				t.Error("accepted")
			}
			t.Logf("took %v, %d problems", time.Since(start).Round(time.Millisecond), len(problems))
		})
	}
}
