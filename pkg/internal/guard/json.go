package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON decodes exactly one JSON value that fills data. Objects are map[string]any, arrays []any, numbers
// json.Number, the rest as encoding/json has it. Errors never hold a piece of data. A byte order mark is skipped.
func JSON(data []byte, l Limits) (any, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := syntax(data); err != nil {
		return nil, err
	}
	d := jsonDecoder{data: data, limits: l.withDefaults(), names: map[string]name{}, folds: map[string]int{}}
	return d.value(0)
}

// syntax proves that data is one complete value before anything is built from it: the scan needs no memory.
func syntax(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return ErrCut
	}
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		if s, ok := errors.AsType[*json.SyntaxError](err); ok {
			if s.Error() == "unexpected end of JSON input" {
				return ErrCut
			}
			return refuse("not JSON at byte %d", s.Offset)
		}
		return refuse("not JSON")
	}
	if !utf8.Valid(data) {
		return refuse("invalid UTF-8")
	}
	return surrogates(data)
}

// surrogates refuses \ud800 without its other half; encoding/json would write U+FFFD in silence (failures.md U05).
func surrogates(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		u, ok := escape(data[i-1:])
		if !ok {
			continue
		}
		i += 4
		switch {
		case u >= 0xdc00 && u < 0xe000:
			return refuse("lone surrogate")
		case u >= 0xd800 && u < 0xdc00:
			low, ok := escape(data[i+1:])
			if !ok || low < 0xdc00 || low > 0xdfff {
				return refuse("lone surrogate")
			}
			i += 6
		}
	}
	return nil
}

// escape reads \uXXXX at the start of data.
func escape(data []byte) (uint64, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(data[2:6]), 16, 32)
	return n, err == nil
}

// jsonDecoder builds values from bytes whose syntax is proven: it needs no error for what cannot happen. It exists
// because json.Decoder.Token costs several allocations per value, and answers hold tens of thousands.
type jsonDecoder struct {
	data   []byte
	at     int
	limits Limits
	items  int
	names  map[string]name // every key text seen, once
	folds  map[string]int  // number of a key without case
}

type name struct {
	text string
	fold int
}

// next skips white space and returns the byte behind it.
func (d *jsonDecoder) next() byte {
	for d.data[d.at] == ' ' || d.data[d.at] == '\t' || d.data[d.at] == '\r' || d.data[d.at] == '\n' {
		d.at++
	}
	return d.data[d.at]
}

func (d *jsonDecoder) value(depth int) (any, error) {
	if d.items++; d.items > d.limits.Items {
		return nil, refuse("more than %d values", d.limits.Items)
	}
	switch c := d.next(); c {
	case '{', '[':
		if depth++; depth > d.limits.Depth {
			return nil, refuse("nested deeper than %d", d.limits.Depth)
		}
		if c == '[' {
			return d.array(depth)
		}
		return d.object(depth)
	case '"':
		raw := d.text()
		if len(raw) > d.limits.Text {
			return nil, refuse("text longer than %d bytes", d.limits.Text)
		}
		return unquote(raw)
	case 't':
		d.at += len("true")
		return true, nil
	case 'f':
		d.at += len("false")
		return false, nil
	case 'n':
		d.at += len("null")
		return nil, nil
	}
	return d.number()
}

func (d *jsonDecoder) number() (any, error) {
	begin := d.at
	for d.at < len(d.data) && bytes.IndexByte([]byte("+-.0123456789eE"), d.data[d.at]) >= 0 {
		d.at++
	}
	if d.at-begin > 400 {
		return nil, refuse("number with %d digits", d.at-begin)
	}
	return json.Number(d.data[begin:d.at]), nil
}

// text returns the bytes of a string with its quotes and moves behind it.
func (d *jsonDecoder) text() []byte {
	begin := d.at
	for d.at++; d.data[d.at] != '"'; d.at++ {
		if d.data[d.at] == '\\' {
			d.at++
		}
	}
	d.at++
	return d.data[begin:d.at]
}

func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

func (d *jsonDecoder) array(depth int) (any, error) {
	list := []any{}
	d.at++
	for d.next() != ']' {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		if list = append(list, v); d.next() == ',' {
			d.at++
		}
	}
	d.at++
	return list, nil
}

func (d *jsonDecoder) object(depth int) (any, error) {
	object, seen := map[string]any{}, keys{}
	d.at++
	for d.next() != '}' {
		key, err := d.key()
		if err != nil {
			return nil, err
		}
		if !seen.add(key.fold) {
			return nil, refuse("the same key twice in one object")
		}
		d.next()
		d.at++ // the colon
		if object[key.text], err = d.value(depth); err != nil {
			return nil, err
		}
		if d.next() == ',' {
			d.at++
		}
	}
	d.at++
	return object, nil
}

// key reads a key; equal keys share one text, and keys that differ in case only share one number.
func (d *jsonDecoder) key() (name, error) {
	raw := d.text()
	if n, ok := d.names[string(raw)]; ok {
		return n, nil
	}
	if len(raw) > d.limits.Text {
		return name{}, refuse("key longer than %d bytes", d.limits.Text)
	}
	text, err := unquote(raw)
	if err != nil {
		return name{}, refuse("not JSON")
	}
	folded := strings.ToLower(text)
	number, ok := d.folds[folded]
	if !ok {
		number = len(d.folds)
		d.folds[folded] = number
	}
	n := name{text, number}
	d.names[string(raw)] = n
	return n, nil
}

// keys are the numbers of the keys of one object: a list while it is short, a set when it is not.
type keys struct {
	few  []int
	many map[int]bool
}

func (k *keys) add(n int) bool {
	if k.many != nil {
		if k.many[n] {
			return false
		}
		k.many[n] = true
		return true
	}
	if slices.Contains(k.few, n) {
		return false
	}
	if k.few = append(k.few, n); len(k.few) > 64 {
		k.many = map[int]bool{}
		for _, have := range k.few {
			k.many[have] = true
		}
	}
	return true
}
