package transform

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	family := "\U0001F469\u200d\U0001F469\u200d\U0001F467"
	flag := "\U0001F1E9\U0001F1EA"
	tests := map[string]struct {
		in, out  string
		bad, cut bool
	}{
		"plain text stays":                      {in: "Dana O'Brien", out: "Dana O'Brien"},
		"blanks at the ends go":                 {in: "  Dana \u00a0", out: "Dana"},
		"one blank is nothing":                  {in: " ", out: ""},
		"zero-width and no-break are nothing":   {in: "\u200b\u00a0\ufeff\u200d", out: ""},
		"bidi controls go and are flagged":      {in: "abc\u202ecba", out: "abccba", bad: true},
		"isolates and marks go":                 {in: "\u2066a\u2069\u200eb\u061c", out: "ab", bad: true},
		"right-to-left letters stay":            {in: "שלום", out: "שלום"},
		"NUL goes":                              {in: "a\x00b", out: "ab", bad: true},
		"C1 controls go":                        {in: "a\u0085b\u009fc", out: "abc", bad: true},
		"a line break becomes a blank":          {in: "a\nb", out: "a b", bad: true},
		"invalid bytes go":                      {in: "a\xffb", out: "ab", bad: true},
		"markup stays text":                     {in: "<img src=x onerror=1>", out: "<img src=x onerror=1>"},
		"emoji stay":                            {in: family, out: family},
		"decomposed letters stay as they are":   {in: "e\u0301", out: "e\u0301"},
		"255 characters stay":                   {in: strings.Repeat("ä", 255), out: strings.Repeat("ä", 255)},
		"256 characters are cut":                {in: strings.Repeat("ä", 256), out: strings.Repeat("ä", 255), cut: true},
		"256 ASCII characters are cut":          {in: strings.Repeat("a", 256), out: strings.Repeat("a", 255), cut: true},
		"a combining mark is not torn off":      {in: strings.Repeat("a", 254) + "e\u0301", out: strings.Repeat("a", 254), cut: true},
		"a joined family is not torn apart":     {in: strings.Repeat("a", 252) + family, out: strings.Repeat("a", 252), cut: true},
		"a flag is not torn apart":              {in: strings.Repeat("a", 254) + flag, out: strings.Repeat("a", 254), cut: true},
		"a flag that fits stays":                {in: strings.Repeat("a", 253) + flag + flag, out: strings.Repeat("a", 253) + flag, cut: true},
		"a skin tone stays with its hand":       {in: strings.Repeat("a", 254) + "\U0001F44D\U0001F3FD", out: strings.Repeat("a", 254), cut: true},
		"a pile of marks is cut all the same":   {in: "e" + strings.Repeat("\u0301", 300), out: "", cut: true},
		"a blank before the cut is not left":    {in: strings.Repeat("a", 254) + " b", out: strings.Repeat("a", 254), cut: true},
		"a very long value does not take long":  {in: strings.Repeat("ä", 70000), out: strings.Repeat("ä", 255), cut: true},
		"template-like values are only text":    {in: "${x} {{y}} ../%00", out: "${x} {{y}} ../%00"},
		"letters outside the first plane count": {in: "\U00020BB7野家", out: "\U00020BB7野家"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.out == "" && tt.cut {
				tt.out = string([]rune(tt.in)[:MaxText])
			}
			out, bad, cut := clean(tt.in)
			if out != tt.out || bad != tt.bad || cut != tt.cut {
				t.Errorf("%q bad %v cut %v, want %q, %v, %v", out, bad, cut, tt.out, tt.bad, tt.cut)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", " ", "a\u202eb", "\xff", strings.Repeat("e\u0301", 200), strings.Repeat("\U0001F1E9", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, _, _ := clean(s)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > MaxText {
			t.Fatalf("%q is not fit", out)
		}
		if again, bad, cut := clean(out); again != out || bad || cut {
			t.Fatalf("cleaning twice differs: %q, then %q", out, again)
		}
	})
}

func TestNormalEmail(t *testing.T) {
	long := strings.Repeat("a", 64)
	good := map[string]string{
		"Dana.OBrien@Example.com ": "dana.obrien@example.com", "d+tag@example.com": "d+tag@example.com", "o'brien@mail.example.com": "o'brien@mail.example.com",
		"dana@bücher.example": "dana@bücher.example", long + "@example.com": long + "@example.com", "nonesuch@example.com": "nonesuch@example.com",
		"\u00a0d@example.com": "d@example.com", "naomi@example.com": "naomi@example.com",
	}
	for in, want := range good {
		if got, ok := normalEmail(in); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
	bad := []string{"", " ", "dana", "dana@", "@example.com", "dana@example", "dana@@example.com", "a@b@example.com", "a b@example.com", "dana@exa mple.com",
		"dana@.example.com", "dana@example..com", "dana@-x.example.com", ".dana@example.com", "dana.@example.com", "da..na@example.com", "dana@example.com,x@example.com",
		"<dana@example.com>",
		"a" + long + "@example.com", "dana@" + long + "x.example.com", "dana@example.com\n.example", "da\u200bna@example.com"}
	for _, in := range bad {
		if got, ok := normalEmail(in); ok {
			t.Errorf("%q is accepted as %q", in, got)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	tests := map[string]struct {
		list []string
		yes  []string
		no   []string
	}{
		"what people type is known from the start": {Default().Placeholders,
			[]string{"none@example.com", "no-email@example.com", "NO.EMAIL@example.com", "n/a@example.com", "unknown@example.com", "dana@mail.invalid",
				"test@example.com", "xxx@x.example", "noreply@example.com", "no_reply@example.com", "N/A", " none ", "-", "\u00a0tbd"},
			[]string{"nonesuch@example.com", "naomi@example.com", "tester@example.com", "dana@example.com", "invalid", "dana@invalid.example.com", ""}},
		"a tenant's own list replaces it": {[]string{"Nobody@Example.com", "@temp.example"},
			[]string{"nobody@example.com", "dana@temp.example", "dana@a.temp.example"}, []string{"nobody@other.example", "none@example.com", "dana@xtemp.example"}},
		"an empty list knows none":        {nil, nil, []string{"none@example.com", "n/a"}},
		"empty entries stand for nothing": {[]string{"", "@"}, nil, []string{"dana@example.com", "x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, v := range tt.yes {
				if !placeholder(tt.list, v) {
					t.Errorf("%q is no placeholder", v)
				}
			}
			for _, v := range tt.no {
				if placeholder(tt.list, v) {
					t.Errorf("%q is a placeholder", v)
				}
			}
		})
	}
}
