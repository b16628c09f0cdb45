package guard

import (
	"bytes"
	"encoding/json"
	"errors"
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
	d := jsonDecoder{limits: l.withDefaults()}
	d.dec = json.NewDecoder(bytes.NewReader(data))
	d.dec.UseNumber()
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

type jsonDecoder struct {
	dec    *json.Decoder
	limits Limits
	items  int
}

func (d *jsonDecoder) value(depth int) (any, error) {
	if d.items++; d.items > d.limits.Items {
		return nil, refuse("more than %d values", d.limits.Items)
	}
	token, err := d.dec.Token()
	if err != nil {
		return nil, refuse("not JSON")
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return d.leaf(token)
	}
	if depth++; depth > d.limits.Depth {
		return nil, refuse("nested deeper than %d", d.limits.Depth)
	}
	if delim == '[' {
		return d.array(depth)
	}
	return d.object(depth)
}

func (d *jsonDecoder) leaf(token any) (any, error) {
	if s, ok := token.(string); ok && len(s) > d.limits.Text {
		return nil, refuse("text longer than %d bytes", d.limits.Text)
	}
	if n, ok := token.(json.Number); ok && len(n) > 400 {
		return nil, refuse("number with %d digits", len(n))
	}
	return token, nil
}

func (d *jsonDecoder) array(depth int) (any, error) {
	list := []any{}
	for d.dec.More() {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.dec.Token()
	return list, err
}

func (d *jsonDecoder) object(depth int) (any, error) {
	object, folded := map[string]any{}, map[string]bool{}
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return nil, refuse("not JSON")
		}
		key, _ := token.(string)
		if len(key) > d.limits.Text {
			return nil, refuse("key longer than %d bytes", d.limits.Text)
		}
		fold := strings.ToLower(key)
		if folded[fold] {
			return nil, refuse("the same key twice in one object")
		}
		folded[fold] = true
		if object[key], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := d.dec.Token()
	return object, err
}
