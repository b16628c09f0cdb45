package ib

import (
	"bufio"
	"errors"
	"io"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

// percent says that a body is URL-encoded as a whole: raw bytes first, one decode then (peoplesoft.md 1.2).
func percent(first []byte, kind string) bool {
	if readable(first) {
		return false
	}
	if kind == "application/x-www-form-urlencoded" {
		return true
	}
	if len(first) < 3 || first[0] != '%' {
		return false
	}
	high, low := hex(first[1]), hex(first[2])
	c := high<<4 | low
	return high >= 0 && low >= 0 && (c == '<' || c == '{' || c == '[' || c == 0xef)
}

// formDecoder undoes URL encoding on the way.
type formDecoder struct{ in *bufio.Reader }

func (f *formDecoder) Read(p []byte) (int, error) {
	for n := range p {
		c, err := f.next()
		if err != nil {
			if n > 0 && errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, err
		}
		p[n] = c
	}
	return len(p), nil
}

func (f *formDecoder) next() (byte, error) {
	c, err := f.in.ReadByte()
	if err != nil || c != '%' {
		if c == '+' {
			c = ' '
		}
		return c, err
	}
	a, err := f.in.ReadByte()
	if err != nil {
		return 0, guard.ErrCut
	}
	b, err := f.in.ReadByte()
	if err != nil {
		return 0, guard.ErrCut
	}
	if hex(a) < 0 || hex(b) < 0 {
		return 0, badEnvelope("the URL-encoded body is damaged")
	}
	return byte(hex(a)<<4 | hex(b)), nil
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
