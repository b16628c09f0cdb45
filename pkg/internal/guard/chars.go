package guard

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"
)

// collect gathers the character data up to the next tag into r.text; false when there is none. It leaves r.at at the
// '<' of the tag with the byte behind it in the buffer, or at the end of the input.
func (r *Reader) collect() (bool, error) {
	r.text, r.joined = nil, r.joined[:0]
	seen := false
	for {
		piece, more, err := r.piece()
		if err != nil {
			return false, err
		}
		if !more {
			break
		}
		if len(piece) == 0 {
			continue
		}
		if !seen && r.atTag() { // the usual case: no copy
			r.text = piece
			return true, r.note(piece)
		}
		seen = true
		if len(r.joined)+len(piece) > r.limits.Text {
			return false, refuse("text longer than %d bytes", r.limits.Text)
		}
		r.joined = append(r.joined, piece...)
	}
	if !seen {
		return false, nil
	}
	r.text = r.joined
	return true, r.note(r.joined)
}

// atTag says that a tag follows at once and is in the buffer.
func (r *Reader) atTag() bool {
	if r.end-r.at < 2 || r.buf[r.at] != '<' || r.cdata {
		return false
	}
	c := r.buf[r.at+1]
	return c != '!' && c != '?'
}

// note checks a complete text where it stands.
func (r *Reader) note(text []byte) error {
	if len(text) > r.limits.Text {
		return refuse("text longer than %d bytes", r.limits.Text)
	}
	if len(r.open) == 0 {
		if !r.fragment && !blank(text) {
			return refuse("text outside the root element")
		}
		return nil
	}
	r.open[len(r.open)-1].text = true
	return nil
}

func blank(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// piece is the next run of character data, decoded; false at a tag and at the end of the input. The bytes are valid
// until the next call.
func (r *Reader) piece() ([]byte, bool, error) {
	for {
		if r.at == r.end {
			if err := r.fill(1); err != nil {
				return nil, false, err
			}
			if r.at == r.end {
				if r.cdata {
					return nil, false, ErrCut
				}
				return nil, false, nil
			}
		}
		c := r.buf[r.at]
		switch {
		case r.cdata && c == ']':
			ended, err := r.endCDATA()
			if err != nil {
				return nil, false, err
			}
			if !ended {
				return r.buf[r.at-1 : r.at], true, nil
			}
		case !r.cdata && c == '<':
			if tag, err := r.markup(); err != nil || tag {
				return nil, false, err
			}
		case !r.cdata && c == '&':
			text, err := r.entity()
			return text, err == nil, err
		case c < 0x20 && c != '\n' && c != '\t':
			if text, err := r.control(c); err != nil || text != nil {
				return text, err == nil, err
			}
		default:
			text, err := r.run()
			return text, err == nil, err
		}
	}
}

// run is plain text up to a character that needs a look.
func (r *Reader) run() ([]byte, error) {
	i, wide := r.at, false
	stop, amp := byte('<'), byte('&')
	if r.cdata {
		stop, amp = ']', ']'
	}
	for ; i < r.end; i++ {
		c := r.buf[i]
		if c >= 0x80 {
			wide = true
			continue
		}
		if c == stop || c == amp || (c < 0x20 && c != '\n' && c != '\t') {
			break
		}
	}
	if !wide {
		text := r.buf[r.at:i]
		r.at = i
		return text, nil
	}
	return r.wide(i)
}

// wide checks the UTF-8 of a run; a character that the buffer cuts is left for the next run.
func (r *Reader) wide(i int) ([]byte, error) {
	if i == r.end {
		for back := 1; back < utf8.UTFMax && back <= i-r.at; back++ {
			if tail := r.buf[i-back : i]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRune(tail) {
					i -= back
				}
				break
			}
		}
		if i == r.at { // nothing but the beginning of one character
			have := r.end - r.at
			if err := r.fill(have + 1); err != nil {
				return nil, err
			}
			if r.end-r.at == have {
				return nil, ErrCut
			}
			return nil, nil
		}
	}
	text := r.buf[r.at:i]
	if !utf8.Valid(text) {
		return nil, ErrText
	}
	r.at = i
	return text, nil
}

// control drops a control character; a carriage return is a line end, alone or before a line feed.
func (r *Reader) control(c byte) ([]byte, error) {
	if c != '\r' {
		r.at++
		r.stripped++
		return nil, nil
	}
	if err := r.fill(2); err != nil {
		return nil, err
	}
	r.at++
	if r.at < r.end && r.buf[r.at] == '\n' {
		return nil, nil
	}
	r.scratch[0] = '\n'
	return r.scratch[:1], nil
}

// entity decodes a reference; &#0; and the like are control characters and dropped.
func (r *Reader) entity() ([]byte, error) {
	if err := r.fill(12); err != nil {
		return nil, err
	}
	ref := r.buf[r.at:min(r.end, r.at+12)]
	i := bytes.IndexByte(ref, ';')
	if i < 0 {
		if len(ref) < 12 && r.eof && !bytes.ContainsAny(ref[1:], "<& ") {
			return nil, ErrCut
		}
		return nil, refuse("an entity that is not one")
	}
	c, err := reference(ref[1:i])
	if err != nil {
		return nil, err
	}
	r.at += i + 1
	if c < 0x20 && c != '\n' && c != '\t' && c != '\r' {
		r.stripped++
		return nil, nil
	}
	return utf8.AppendRune(r.scratch[:0], c), nil
}

func reference(name []byte) (rune, error) {
	switch string(name) {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "apos":
		return '\'', nil
	case "quot":
		return '"', nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, refuse("an entity that is not one")
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
		return 0, refuse("a character reference that is not one")
	}
	return rune(n), nil
}

// Characters gives the character data of the element that just started (of the top in a Fragment) as a stream of any
// length, without the space before it; nil when a tag follows and Next goes on as usual. It ends at the next tag.
func (r *Reader) Characters() (io.Reader, error) {
	if r.err != nil || r.empty {
		return nil, r.err
	}
	for {
		text, more, err := r.piece()
		if err != nil {
			r.err = err
			return nil, err
		}
		if !more {
			return nil, nil
		}
		if text = bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 {
			return &characters{r, bytes.Clone(text), false}, nil
		}
	}
}

type characters struct {
	r    *Reader
	rest []byte
	done bool
}

func (c *characters) Read(p []byte) (int, error) {
	for len(c.rest) == 0 && !c.done {
		text, more, err := c.r.piece()
		if err != nil {
			c.r.err = err
			return 0, err
		}
		c.rest, c.done = text, !more
	}
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
