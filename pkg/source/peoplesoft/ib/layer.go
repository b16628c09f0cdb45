package ib

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

// maxLayers is how often a body may be compressed or encoded (peoplesoft.md 1.2, decoding algorithm).
const maxLayers = 3

// head is how much of a body is looked at to know what it is.
const head = 512

// unpack takes compression and base64 off. What the bytes are counts more than what Content-Encoding says, because a
// proxy may have undone it.
func unpack(in io.Reader, encoding string, l Limits) (*bufio.Reader, bool, error) {
	raw, err := encodings(encoding)
	if err != nil {
		return nil, false, err
	}
	b := bufio.NewReaderSize(in, 4<<10)
	for n := 0; ; n++ {
		first, err := peek(b)
		if err != nil {
			return nil, false, err
		}
		open := recognize(first)
		if open == nil && raw && len(first) > 0 && !readable(first) {
			open, raw = deflate, false
		}
		if open == nil {
			return b, n > 0, nil
		}
		if n == maxLayers {
			return nil, false, badEnvelope("compressed or encoded more than three times")
		}
		if b, err = layer(b, open, l); err != nil {
			return nil, false, err
		}
	}
}

// encodings refuses what nobody here can undo; raw says that deflate may come without its zlib header.
func encodings(header string) (raw bool, err error) {
	for name := range strings.SplitSeq(strings.ToLower(header), ",") {
		switch strings.TrimSpace(name) {
		case "", "identity", "gzip", "x-gzip", "zlib", "base64":
		case "deflate":
			raw = true
		default:
			return false, badEnvelope("the Content-Encoding is not one of gzip, deflate and base64")
		}
	}
	return raw, nil
}

func peek(b *bufio.Reader) ([]byte, error) {
	first, err := b.Peek(head)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &guard.ReadError{Err: err}
	}
	return first, nil
}

type opener func(io.Reader) (io.Reader, error)

func recognize(first []byte) opener {
	switch {
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case zlibHead(first):
		return func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
	case !readable(first) && encoded(first):
		return decode64
	}
	return nil
}

func deflate(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }

func zlibHead(b []byte) bool {
	return len(b) > 1 && b[0] == 0x78 && (b[1] == 0x01 || b[1] == 0x5e || b[1] == 0x9c || b[1] == 0xda)
}

// readable says that a body begins as a message does.
func readable(b []byte) bool {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff", "\x00<"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			return true
		}
	}
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && (b[0] == '<' || b[0] == '{' || b[0] == '[')
}

// encoded tells base64 by its alphabet and by what it decodes to.
func encoded(first []byte) bool {
	text := bytes.Map(squeeze, first)
	text = bytes.TrimRight(text, "=")
	if len(text) < 16 {
		return false
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.RawStdEncoding.Decode(out, standard(text[:len(text)/4*4]))
	if err != nil {
		return false
	}
	out = out[:n]
	return readable(out) || zlibHead(out) || bytes.HasPrefix(out, []byte{0x1f, 0x8b}) || bytes.HasPrefix(out, []byte("--")) || percent(out, "") || encoded(out)
}

// squeeze drops space.
func squeeze(c rune) rune {
	if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
		return -1
	}
	return c
}

// standard turns the URL alphabet into the standard one, in place.
func standard(text []byte) []byte {
	for i, c := range text {
		switch c {
		case '-':
			text[i] = '+'
		case '_':
			text[i] = '/'
		}
	}
	return text
}

func decode64(r io.Reader) (io.Reader, error) {
	return base64.NewDecoder(base64.StdEncoding, clean{r}), nil
}

// clean drops space and maps the URL alphabet; the decoder drops line ends only.
type clean struct{ in io.Reader }

func (c clean) Read(p []byte) (int, error) {
	for {
		n, err := c.in.Read(p)
		kept := standard(p[:n])[:0]
		for _, b := range p[:n] {
			if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
				kept = append(kept, b)
			}
		}
		if len(kept) > 0 || err != nil {
			return len(kept), err
		}
	}
}

// layer opens one layer; what comes out is counted against what went in.
func layer(b *bufio.Reader, open opener, l Limits) (*bufio.Reader, error) {
	in := &counter{in: b}
	source := bufio.NewReaderSize(in, 4<<10)
	out, err := open(source)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(&meter{out: out, in: in, behind: source, limits: l}, 4<<10), nil
}

type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// meter stops bombs (failures.md 5.4), and demands that nothing stands behind the layer.
type meter struct {
	out    io.Reader
	in     *counter
	behind *bufio.Reader
	limits Limits
	n      int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.out.Read(p)
	m.n += int64(n)
	if m.n > m.limits.Body {
		return 0, tooLarge("the message is larger than is accepted when decompressed")
	}
	if m.n > 1<<20 && m.n/m.limits.Ratio > m.in.n {
		return 0, tooLarge("the message is compressed more than is plausible")
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		_, behind := m.behind.Peek(1)
		if behind == nil {
			return n, badEnvelope("something follows the compressed body")
		}
		return n, behind // the layer below may have more to say than that this one is complete
	}
	return n, err
}

// capped stops at a number of bytes with an error, where io.LimitReader would pretend an end.
type capped struct {
	in   io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, tooLarge("the message is larger than is accepted")
	}
	return n, err
}
