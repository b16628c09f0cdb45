package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Problem is one thing that is wrong with a tenant file, at its place.
type Problem struct {
	File   string
	Line   int    // from 1
	Column int    // from 1, in characters
	Path   string // dotted, as in peoplesoft.hcm.node; "" for the file as a whole
	What   string // what is wrong, when want and got do not say it
	Want   string
	Got    string // never a secret
	Hint   string // a likely correction
}

// String is one line: file:line:column: path: what: want …, got … (did you mean …?).
func (p Problem) String() string {
	var parts []string
	if p.File != "" {
		parts = append(parts, fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column))
	}
	if p.Path != "" {
		parts = append(parts, p.Path)
	}
	return strings.Join(append(parts, bad{p.What, p.Want, p.Got, p.Hint}.Error()), ": ")
}

// Problems is everything that is wrong with a file, in the order of the file.
type Problems []Problem

// Error is one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err is nil without problems, else a *fault.Error of kind config with code CFG_INVALID around them.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return fault.Wrap(ps, fault.Config, fault.BadConfig, "")
}

// bad is a complaint that does not know its place yet; scalar types return it from UnmarshalText.
type bad struct{ what, want, got, hint string }

// Error reads like the end of a Problem's line.
func (b bad) Error() string {
	s := b.what
	if b.want != "" {
		if s != "" {
			s += ": "
		}
		s += "want " + b.want
	}
	if b.got != "" {
		s += ", got " + b.got
	}
	if b.hint != "" {
		s += " (did you mean " + b.hint + "?)"
	}
	return s
}

// show writes a value for people: texts quoted and cut at 60 characters.
func show(v any) string {
	rv := reflect.ValueOf(v)
	var s string
	switch {
	case rv.Kind() == reflect.String:
		s = rv.String()
	case rv.Kind() == reflect.Slice && rv.Type().Elem().Kind() == reflect.Uint8:
		s = string(rv.Bytes())
	default:
		return fmt.Sprint(v)
	}
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
