package listener

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// identity names one delivery: the same delivery sent again has the same one, on any replica and after any crash.
type identity struct {
	id    string // 32 hexadecimal digits
	cause string // ib/<transaction>, for people
}

// identify derives the identity from tenant, sender, transaction and segment. The content is among the parts: a
// message that an administrator edited and submitted again keeps its transaction and is another delivery. Without a
// transaction the time of publication stands for it, and without that the turn of the content (see memory.turn).
func (d *desk) identify(t tenant.ID, m Message, raw []byte) identity {
	sum := sha256.Sum256(raw)
	content := hex.EncodeToString(sum[:])
	name := shown(m.Transaction)
	parts := []string{string(t), strings.ToUpper(m.From), "transaction", m.Transaction, strconv.Itoa(max(m.Chunk, 1)), content}
	if m.Transaction == "" {
		parts[2], parts[3] = "sent", m.Name+" "+m.Sent
		name = "sha256-" + content[:16]
		if m.Sent == "" {
			parts[2], parts[3] = "turn", m.Name+" "+strconv.FormatUint(d.memory.turn(strings.ToUpper(m.From)+" "+m.Name, content), 10)
		}
	}
	return identity{id: digest(parts...), cause: "ib/" + name}
}

// digest hashes parts with their lengths, so that no two lists are the same bytes.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// shown makes text of a sender fit for logs and events: printable, at most 100 characters.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 100 {
		return string(r[:100])
	}
	return s
}
