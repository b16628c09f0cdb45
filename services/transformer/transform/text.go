package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is how many characters a value may have on its way to the desk (zendesk.md: assume 255 for single lines).
const MaxText = 255

// clean makes a source value fit for people (failures.md 3.9): control characters and bidirectional controls are
// removed (bad), line breaks become spaces, the ends are trimmed, and what is too long is cut where no character
// is torn (cut). A value of nothing but blanks and zero-width characters comes back empty.
func clean(s string) (out string, bad, cut bool) {
	if plain(s) {
		return s, false, false
	}
	out, bad = scrub(s)
	out = strings.TrimFunc(out, margin)
	if strings.IndexFunc(out, visible) < 0 {
		return "", bad, false
	}
	short := shorten(out, MaxText)
	return short, bad, short != out
}

// plain is the fast way past almost every value: short printable ASCII without blanks at its ends.
func plain(s string) bool {
	if s == "" {
		return true
	}
	if len(s) > MaxText || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func scrub(s string) (out string, bad bool) {
	out = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			bad = true
			return ' '
		case unicode.IsControl(r) || bidi(r):
			bad = true
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return out, bad || !utf8.ValidString(s)
}

// bidi are the characters that turn the direction of text around: U+061C, U+200E/F, U+202A–202E, U+2066–2069.
func bidi(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// margin are the characters without meaning at the ends of a value: blanks, no-break and zero-width spaces.
func margin(r rune) bool {
	return unicode.IsSpace(r) || r == 0x200b || r == 0x2060 || r == 0xfeff || r == 0x180e
}

func visible(r rune) bool { return !margin(r) && r != 0x200c && r != 0x200d }

// shorten keeps at most limit characters and tears none: the cut moves forward in the text until what follows starts
// a new character for the reader.
func shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	rs := []rune(s)
	n := limit
	for n > 0 && joined(rs, n) {
		n--
	}
	if n == 0 { // one endless pile of marks: nothing to respect
		n = limit
	}
	return strings.TrimFunc(string(rs[:n]), margin)
}

// joined tells whether the character at n belongs to the one before it: combining marks, variation selectors, skin
// tones, joined emoji, the second half of a flag, medial and final Hangul.
func joined(rs []rune, n int) bool {
	r, before := rs[n], rs[n-1]
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc), r == 0x200d, before == 0x200d:
		return true
	case r >= 0x1f3fb && r <= 0x1f3ff, r >= 0x1160 && r <= 0x11ff, r >= 0xe0020 && r <= 0xe007f:
		return true
	}
	return regional(r) && regionalsBefore(rs, n)%2 == 1
}

func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

func regionalsBefore(rs []rune, n int) int {
	count := 0
	for n > 0 && regional(rs[n-1]) {
		n--
		count++
	}
	return count
}
