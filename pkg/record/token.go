package record

import (
	"fmt"
	"strconv"
	"strings"
)

// Token writes a key as one subject token of letters, digits, hyphen and underscore. Every other byte, and the
// underscore itself, becomes _XX (hexadecimal), so that Token is injective and Untoken undoes it (design.md 4).
func Token(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if plain(c) {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "_%02X", c)
	}
	return b.String()
}

// Untoken undoes Token.
func Untoken(token string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		if plain(c) {
			b.WriteByte(c)
			continue
		}
		if c != '_' || i+2 >= len(token) {
			return "", fmt.Errorf("subject token %q: bad escape at %d", token, i)
		}
		n, err := strconv.ParseUint(token[i+1:i+3], 16, 8)
		if err != nil || token[i+1:i+3] != strings.ToUpper(token[i+1:i+3]) || plain(byte(n)) {
			return "", fmt.Errorf("subject token %q: bad escape at %d", token, i)
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), nil
}

func plain(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-'
}
