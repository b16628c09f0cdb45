// Package address compares email addresses: two spellings are one address when their keys are equal. The spelling of
// the source stays what is written (failures.md D07).
package address

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Key is the form in which addresses are compared: trimmed, in NFC and lower case, the domain in punycode. It is never
// written anywhere and fails on nothing; what cannot be turned into punycode stays as it is. Plus tags stay: whether
// they are the same mailbox is the customer's mail system's business.
func Key(s string) string {
	s = strings.TrimSpace(s)
	if ascii(s) {
		return strings.TrimSuffix(strings.ToLower(s), ".")
	}
	s = strings.ToLower(norm.NFC.String(s))
	at := strings.LastIndexByte(s, '@')
	return s[:at+1] + domain(s[at+1:])
}

// Same tells whether two spellings are one address.
func Same(a, b string) bool { return a == b || Key(a) == Key(b) }

// domain puts every label of a domain into ASCII; the dots of other scripts count as dots (UTS 46).
func domain(s string) string {
	labels := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".\u3002\uff0e\uff61", r) })
	for i, l := range labels {
		if ascii(l) {
			continue
		}
		l = strings.ToLower(norm.NFKC.String(l))
		if ascii(l) {
			labels[i] = l
		} else if p, ok := punycode(l); ok {
			labels[i] = "xn--" + p
		}
	}
	return strings.Join(labels, ".")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
