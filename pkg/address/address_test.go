package address

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// The punycode samples are those of RFC 3492, section 7.1, and of registered domains.
func TestAddressesCompare(t *testing.T) {
	for name, c := range map[string]struct{ in, key string }{
		"case does not count":               {"Jane.Doe@Example.COM", "jane.doe@example.com"},
		"margins do not count":              {"  jane@example.com\t", "jane@example.com"},
		"a plus tag counts":                 {"jane+hr@example.com", "jane+hr@example.com"},
		"a domain in another script":        {"jane@bücher.example", "jane@xn--bcher-kva.example"},
		"its capitals":                      {"JANE@BÜCHER.EXAMPLE", "jane@xn--bcher-kva.example"},
		"its punycode is itself":            {"jane@XN--BCHER-KVA.example", "jane@xn--bcher-kva.example"},
		"a decomposed accent":               {"jane@bu\u0308cher.example", "jane@xn--bcher-kva.example"},
		"no ASCII letter in the label":      {"jane@例え.example", "jane@xn--r8jz45g.example"},
		"a full-width dot":                  {"jane@例え．example", "jane@xn--r8jz45g.example"},
		"full-width letters":                {"jane@ｅｘａｍｐｌｅ.example", "jane@example.example"},
		"several labels":                    {"jane@пример.испытание", "jane@xn--e1afmkfd.xn--80akhbyknj4f"},
		"a local part in another script":    {"JÜRGEN@example.com", "jürgen@example.com"},
		"a sentence of RFC 3492":            {"a@porquénopuedensimplementehablarenespañol", "a@xn--porqunopuedensimplementehablarenespaol-fmd56a"},
		"nothing":                           {"", ""},
		"no domain at all":                  {"Jürgen", "xn--jrgen-kva"},
		"a domain that ends in its own dot": {"jane@example.com.", "jane@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Key(c.in); got != c.key {
				t.Errorf("key of %q is %q, want %q", c.in, got, c.key)
			}
			if !Same(c.in, c.key) {
				t.Error("the key is another address than the spelling")
			}
		})
	}
	if Same("jane@example.com", "jane@example.org") || Same("a@bücher.example", "a@bucher.example") {
		t.Error("different addresses are the same")
	}
}

// A key of a key is the key, whatever comes.
func TestTheKeyOfAKeyIsTheKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-zA-Z0-9üÖéßñ例.+]{1,12}@[a-zA-Z0-9üÖéñ例я-]{1,12}\.[a-zé]{2,5}`).Draw(t, "address")
		k := Key(s)
		if Key(k) != k || !utf8.ValidString(k) {
			t.Fatalf("%q has key %q, which has key %q", s, k, Key(k))
		}
	})
}

func FuzzKey(f *testing.F) {
	f.Add("jane@bücher.example")
	f.Add("@")
	f.Add("\xff@\xff")
	f.Fuzz(func(_ *testing.T, s string) { Key(s) })
}
