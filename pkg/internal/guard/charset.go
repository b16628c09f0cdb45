package guard

import (
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// reader is the allow-list of failures.md 5.4.
func reader(label string, in io.Reader) (io.Reader, error) {
	kind, _ := canonical(label)
	switch kind {
	case "utf-8":
		return in, nil
	case "us-ascii":
		return ascii{in}, nil
	case "iso-8859-1":
		return charmap.ISO8859_1.NewDecoder().Reader(in), nil
	case "windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(in), nil
	}
	return nil, refuse("character set not allowed")
}

func canonical(label string) (string, bool) {
	switch l := strings.ToLower(strings.TrimSpace(label)); l {
	case "utf-8", "utf8":
		return "utf-8", true
	case "us-ascii", "ascii":
		return "us-ascii", true
	case "iso-8859-1", "iso8859-1", "latin1":
		return "iso-8859-1", true
	case "windows-1252", "cp1252":
		return "windows-1252", true
	}
	return "", false
}

// ascii refuses bytes that US-ASCII does not have.
type ascii struct{ io.Reader }

func (a ascii) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	for _, c := range p[:n] {
		if c > 0x7f {
			return 0, refuse("not US-ASCII")
		}
	}
	return n, err
}
