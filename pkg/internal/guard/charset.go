package guard

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// recode makes UTF-8 of a document that declares no encoding itself and whose transport does. Two declarations must
// agree. A document that declares its own is recoded on the way by declared.
func (d *xmlDecoder) recode(data []byte) ([]byte, error) {
	if d.charset == "" {
		return data, nil
	}
	if m := declaration.FindSubmatch(data[:min(len(data), 512)]); m != nil {
		if !same(d.charset, string(m[1])) {
			return nil, refuse("the declared character sets disagree")
		}
		return data, nil
	}
	r, err := reader(d.charset, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// declared is the decoder's charset reader: called for every declared encoding but UTF-8.
func (d *xmlDecoder) declared(label string, in io.Reader) (io.Reader, error) {
	r, err := reader(label, in)
	if err != nil {
		d.bad = err
	}
	return r, err
}

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

func same(a, b string) bool {
	x, ok := canonical(a)
	y, ok2 := canonical(b)
	return ok && ok2 && x == y
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
