package peoplesoft

import (
	"bytes"
	"errors"
	"mime"
	"regexp"
	"strings"
	"unicode"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/guard"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
)

// cell is one value of an answer.
type cell struct {
	text   string
	number bool // written as a JSON number
}

// table is a decoded answer: complete as a document, not yet judged.
type table struct {
	rows  []map[string]cell
	total int // numrows; -1 when the answer does not say
}

// limits: a query answer may be larger than other documents; the body cap bounds it (failures.md 5.4).
func limits() guard.Limits { return guard.Limits{Items: 8_000_000} }

// body is what the sniffing of a 2xx answer found.
type body struct {
	data    []byte
	charset string
}

// inspect refuses what is not data before any decoding (failures.md P01).
func inspect(r httpx.Response) (body, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media, params = "", nil
	}
	b := body{bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf")), params["charset"]}
	lower := strings.ToLower(string(b.data[:min(len(b.data), 2048)]))
	switch {
	case len(bytes.TrimSpace(b.data)) == 0:
		return b, fault.New(fault.Transient, fault.SourceNotData, "the answer is empty")
	case media == "text/html" || media == "application/xhtml+xml" || page.MatchString(lower):
		return b, notData(lower)
	}
	return b, nil
}

// notData names the page without quoting it.
func notData(lower string) error {
	switch {
	case strings.Contains(lower, "cmd=login") || strings.Contains(lower, `type="password"`) || strings.Contains(lower, "signon") || strings.Contains(lower, "sign-in"):
		return fault.New(fault.Config, fault.SourceNotData, "a sign-in page in place of data")
	case strings.Contains(lower, "integration gateway"):
		return fault.New(fault.Config, fault.SourceNotData, "the status page of the integration gateway in place of data")
	}
	return fault.New(fault.Transient, fault.SourceNotData, "an HTML page in place of data")
}

// refused turns a guard's complaint into a fault.
func refused(err error) error {
	if errors.Is(err, guard.ErrCut) {
		return fault.New(fault.Transient, fault.SourceTruncated, "the answer ends before it is complete")
	}
	return fault.New(fault.Transient, fault.SourceNotData, "the answer cannot be decoded: "+err.Error())
}

func noData(detail string) error { return fault.New(fault.Transient, fault.SourceNotData, detail) }

var (
	tags      = regexp.MustCompile(`<[^>]*>?`)
	page      = regexp.MustCompile(`^\s*(<\?xml[^>]*\?>\s*)?(<!--[^>]*-->\s*)*<(!doctype\s+html|html)\b`)
	badSignIn = regexp.MustCompile(`\(158,\s*45\)`)
)

// complaint is PeopleSoft's own error message as a fault; a refused password is an auth fault even with status 200.
func complaint(message string) error {
	if badSignIn.MatchString(message) {
		return fault.New(fault.Auth, fault.SourceAuth, "PeopleSoft says: "+printable(message))
	}
	if message = printable(message); message == "" {
		return fault.New(fault.Transient, fault.SourceFault, "PeopleSoft reports an error without a message")
	}
	return fault.New(fault.Transient, fault.SourceFault, "PeopleSoft says: "+message)
}

// printable strips tags and control characters and cuts at 120 characters.
func printable(s string) string {
	s = tags.ReplaceAllString(s[:min(len(s), 4096)], " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	runes := []rune(strings.Join(strings.Fields(s), " "))
	return string(runes[:min(len(runes), 120)])
}
