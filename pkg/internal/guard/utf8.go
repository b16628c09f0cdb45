package guard

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var declaration = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// UTF8 makes a stream of UTF-8 without byte order mark of a document. What it is in says, in this order: a byte order
// mark, charset (of the transport, "" when it says nothing), the XML declaration; else UTF-8 (peoplesoft.md 1.2).
// agree is false when two of them differ. Character sets beyond the allow-list of failures.md 5.4 and UTF-16 are
// refused. That the result is valid UTF-8 is for Reader to check.
func UTF8(in io.Reader, charset string) (out io.Reader, agree bool, err error) {
	b := bufio.NewReaderSize(in, 4<<10)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, &ReadError{err}
	}
	mark, size := byteOrder(head)
	_, _ = b.Discard(size)
	stated := ""
	if bytes.Contains(head, []byte("encoding")) {
		if m := declaration.FindSubmatch(head[size:]); m != nil {
			stated = string(m[1])
		}
	}
	label, agree := mark, true
	for _, next := range []string{charset, stated} {
		if next = family(next); next == "" {
			continue
		}
		if label == "" {
			label = next
		}
		agree = agree && (label == next || strings.HasPrefix(label, next))
	}
	switch label {
	case "":
		return b, agree, nil
	case "utf-16", "utf-16be":
		return &wide{in: b, order: binary.BigEndian}, agree, nil
	case "utf-16le":
		return &wide{in: b, order: binary.LittleEndian}, agree, nil
	}
	out, err = reader(label, b)
	return out, agree, err
}

// family is the canonical label, or the label itself when it is not on the allow-list.
func family(label string) string {
	if c, ok := canonical(label); ok {
		return c
	}
	return strings.ToLower(strings.TrimSpace(label))
}

// byteOrder recognizes a byte order mark, and UTF-16 without one by its first '<'.
func byteOrder(head []byte) (label string, size int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return "utf-8", 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return "utf-16le", 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16be", 2
	case bytes.HasPrefix(head, []byte("<\x00")):
		return "utf-16le", 0
	case bytes.HasPrefix(head, []byte("\x00<")):
		return "utf-16be", 0
	}
	return "", 0
}

// wide decodes UTF-16. The one of x/text writes U+FFFD for half a character in silence (failures.md U05).
type wide struct {
	in    io.Reader
	order binary.ByteOrder
	rest  []byte
	buf   [1024]byte
	odd   int // bytes of buf that wait for more
	err   error
}

func (w *wide) Read(p []byte) (int, error) {
	for len(w.rest) == 0 && w.err == nil {
		w.decode()
	}
	if len(w.rest) > 0 {
		n := copy(p, w.rest)
		w.rest = w.rest[n:]
		return n, nil
	}
	return 0, w.err
}

func (w *wide) decode() {
	n, err := w.in.Read(w.buf[w.odd:])
	have := w.buf[:w.odd+n]
	w.err = err
	w.rest = w.rest[:0]
	for len(have) >= 2 {
		c := rune(w.order.Uint16(have))
		if !utf16.IsSurrogate(c) {
			w.rest, have = utf8.AppendRune(w.rest, c), have[2:]
			continue
		}
		if len(have) < 4 {
			break
		}
		c = utf16.DecodeRune(c, rune(w.order.Uint16(have[2:])))
		if c == utf8.RuneError {
			w.err = ErrText
			return
		}
		w.rest, have = utf8.AppendRune(w.rest, c), have[4:]
	}
	w.odd = copy(w.buf[:], have)
	if w.odd > 0 && errors.Is(w.err, io.EOF) {
		w.err = ErrCut
	}
}
