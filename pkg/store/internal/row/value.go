// Package row is what both backends share: how values of the contract become columns. It knows no SQL.
package row

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/pkg/record"
)

// Micros is t as a column: microseconds since 1970 in UTC. The zero time survives the round trip.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time undoes Micros; the answer is in UTC.
func Time(us int64) time.Time { return time.UnixMicro(us).UTC() }

// Limit is n, or 1000 when the caller named none (audit.Query, store.FindingQuery).
func Limit(n int) int {
	if n <= 0 {
		return 1000
	}
	return n
}

// Text makes s storable in every backend: Postgres refuses NUL and bytes that are not UTF-8, and one bad letter in an
// explanation must not block a whole batch. Such bytes become U+FFFD.
func Text(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Doc is a document as it leaves the store: nil when empty, in every backend.
func Doc(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// Columns splits refs for a query that joins them.
func Columns(refs []record.Ref) (kinds, keys []string) {
	kinds, keys = make([]string, len(refs)), make([]string, len(refs))
	for i, r := range refs {
		kinds[i], keys[i] = string(r.Kind), r.Key
	}
	return kinds, keys
}

// Compare orders refs by kind and key: the order in which rows are locked, so that two writers never wait for each other.
func Compare(a, b record.Ref) int {
	if c := strings.Compare(string(a.Kind), string(b.Kind)); c != 0 {
		return c
	}
	return strings.Compare(a.Key, b.Key)
}
