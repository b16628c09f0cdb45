// Package guard decodes JSON and XML from outside without the traps of the standard decoders: duplicate and
// other-case keys, trailing values, invalid UTF-8, lone surrogates, DOCTYPE, unbounded depth (failures.md 5.4, fact 13).
// A document is complete or it is refused; ErrCut tells the two ways of being refused apart.
package guard

import (
	"errors"
	"fmt"
)

// ErrCut means that the document ends before it is complete.
var ErrCut = errors.New("document ends early")

// ErrText means that Reader met bytes that are no text in the character set of the document (failures.md U05).
var ErrText = errors.New("invalid UTF-8")

// Limits bound what a document may hold. Zero fields take the value of Default.
type Limits struct {
	Depth      int // nesting of elements, objects and arrays
	Items      int // JSON values or XML elements
	Attributes int // per XML element
	Text       int // bytes of one text or attribute
}

// Default is the table of failures.md 5.4, with JSON counted in values.
func Default() Limits { return Limits{Depth: 64, Items: 200_000, Attributes: 64, Text: 64 << 10} }

func (l Limits) withDefaults() Limits {
	d := Default()
	def := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&l.Depth, d.Depth)
	def(&l.Items, d.Items)
	def(&l.Attributes, d.Attributes)
	def(&l.Text, d.Text)
	return l
}

func refuse(format string, args ...any) error { return fmt.Errorf(format, args...) }
