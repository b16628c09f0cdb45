package zendesk

import (
	"strings"
	"unicode"
)

// printable: something without blanks, commas and controls.
func printable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r == ',' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

// mailLike is a coarse test that keeps a value from changing the meaning of a search; Zendesk has the last word.
func mailLike(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= 255 && printable(s) && !strings.ContainsAny(s, `"\<>()*`)
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
