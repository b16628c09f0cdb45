package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"
)

// Link is the next hash of a tenant's chain: SHA-256 over 0x01, the canonical entry and the last hash (failures.md
// 5.9). last is "" for the first entry. Change, removal or insertion of an entry breaks every hash behind it.
func Link(last string, s Stored) string {
	h := sha256.New()
	h.Write([]byte{1})
	for _, part := range canonical(s) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	h.Write([]byte(last))
	return hex.EncodeToString(h.Sum(nil))
}

// canonical lists every part of an entry in fixed order; Link writes them with their lengths, so that no two entries
// read the same.
func canonical(s Stored) []string {
	e := s.Entry
	parts := []string{strconv.FormatInt(s.Position, 10), e.ID, string(e.Ref.Kind), e.Ref.Key, e.At.UTC().Format(time.RFC3339Nano),
		string(e.Stage), e.Verb, string(e.Outcome), e.Code, e.Detail, e.Next, e.Cause, e.Event, strconv.FormatUint(e.Version, 10),
		e.Request, strconv.Itoa(len(e.Changes))}
	for _, c := range e.Changes {
		parts = append(parts, c.Field, c.Before, c.After)
	}
	return append(parts, e.Explain...)
}
