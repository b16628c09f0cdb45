package record_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/pkg/record"
)

func TestTokensGoThereAndBack(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9_-]*$`)
	rapid.Check(t, func(rt *rapid.T) {
		key := string(rapid.SliceOf(rapid.Byte()).Draw(rt, "key"))
		token := record.Token(key)
		if !shape.MatchString(token) {
			rt.Fatalf("token %q is not safe in a subject", token)
		}
		back, err := record.Untoken(token)
		if err != nil || back != key {
			rt.Fatalf("%q became %q, %v", key, back, err)
		}
	})
}

func TestTokens(t *testing.T) {
	for name, c := range map[string]struct{ key, token string }{
		"zeros are kept":                {"0004711", "0004711"},
		"a vendor's slash is escaped":   {"SHARE/0000000011", "SHARE_2F0000000011"},
		"the underscore itself":         {"a_b", "a_5Fb"},
		"wildcards and dots":            {"*.>", "_2A_2E_3E"},
		"two bytes of one letter":       {"é", "_C3_A9"},
		"nothing":                       {"", ""},
		"space at the end is not eaten": {"a ", "a_20"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := record.Token(c.key); got != c.token {
				t.Fatalf("token %q, want %q", got, c.token)
			}
		})
	}
}

// TestOneKeyHasOneToken: what Token would not write is not read, else two subjects would mean one record.
func TestOneKeyHasOneToken(t *testing.T) {
	for name, token := range map[string]string{
		"small letters in an escape": "_2f", "an escape of a plain letter": "_41", "half an escape": "_2", "a lone underscore": "a_",
		"not hexadecimal": "_ZZ", "a dot": "a.b", "a star": "*", "a space": "a b", "a sign in an escape": "_+1",
	} {
		t.Run(name, func(t *testing.T) {
			if key, err := record.Untoken(token); err == nil {
				t.Fatalf("%q was read as %q", token, key)
			}
		})
	}
}

func FuzzUntoken(f *testing.F) {
	f.Add("SHARE_2F0000000011")
	f.Add("_")
	f.Fuzz(func(t *testing.T, token string) {
		if key, err := record.Untoken(token); err == nil && record.Token(key) != token {
			t.Fatalf("%q and %q name one record", token, record.Token(key))
		}
	})
}

func TestKinds(t *testing.T) {
	for _, k := range record.Kinds() {
		for _, s := range []string{string(k), k.Plural()} {
			if got, err := record.ParseKind(s); err != nil || got != k {
				t.Errorf("%q is %q, %v", s, got, err)
			}
		}
	}
	for _, s := range []string{"", "s", "people", "Employees"} {
		if k, err := record.ParseKind(s); err == nil {
			t.Errorf("%q is %q", s, k)
		}
	}
}

func TestVendorKeys(t *testing.T) {
	set, id, ok := record.SplitVendorKey(record.VendorKey("SHARE", "0000000011"))
	if !ok || set != "SHARE" || id != "0000000011" {
		t.Fatalf("%s %s %v", set, id, ok)
	}
	if _, _, ok := record.SplitVendorKey("0000000011"); ok {
		t.Fatal("a key without SETID was split")
	}
	if got := (record.Ref{Kind: record.Vendor, Key: "A/1"}).String(); got != "vendor/A/1" {
		t.Fatal(got)
	}
}
