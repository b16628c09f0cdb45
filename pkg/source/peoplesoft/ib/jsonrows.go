package ib

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// jsonRows reads rows from decoded JSON: an object is a row, a list of objects are rows, the rest are fields.
type jsonRows struct{ *rowset }

func (j jsonRows) read(v any) error {
	if err := j.around(v); err != nil {
		return err
	}
	return j.end()
}

// around reads what stands around Transactions.
func (j jsonRows) around(v any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := j.around(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range order(v) {
			if err := j.outer(name, v[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j jsonRows) outer(name string, v any) error {
	switch name {
	case "FieldTypes":
		return nil
	case "MsgData":
		return j.around(v)
	}
	for _, object := range objects(v) {
		if err := j.end(); err != nil {
			return err
		}
		j.begin()
		if name == "Transaction" {
			if err := j.children(object, -1); err != nil {
				return err
			}
			continue
		}
		if err := j.row(name, object, -1); err != nil {
			return err
		}
	}
	return nil
}

// objects are the objects in v, itself or in a list.
func objects(v any) []map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var list []map[string]any
		for _, item := range v {
			list = append(list, objects(item)...)
		}
		return list
	}
	return nil
}

func (j jsonRows) row(name string, object map[string]any, parent int) error {
	at, err := j.openRow(j.kind([]byte(name)), parent)
	if err != nil {
		return err
	}
	return j.children(object, at)
}

// children reads the members of a row, or of a Transaction when at is -1. The rows come before PSCAMA, which then
// belongs to the row around it, or in a Transaction to its only row.
func (j jsonRows) children(object map[string]any, at int) error {
	first := len(j.rows)
	for _, name := range order(object) {
		if name == "PSCAMA" {
			continue
		}
		inner := objects(object[name])
		for _, o := range inner {
			if err := j.row(name, o, at); err != nil {
				return err
			}
		}
		if len(inner) == 0 && at >= 0 {
			j.value(at, name, object[name])
		}
	}
	for _, o := range objects(object["PSCAMA"]) {
		var c cama
		for name, v := range o {
			if text, ok := v.(string); ok {
				c.put(name, strings.TrimSpace(text))
			}
		}
		if at < 0 && first < len(j.rows) {
			j.belongs(c, first)
		} else {
			j.belongs(c, at)
		}
	}
	return nil
}

// value keeps a field. A number has lost its leading zeros, so it cannot be a key.
func (j jsonRows) value(at int, name string, v any) {
	s := j.slot(j.rows[at].kind, []byte(name))
	if s == (slot{}) {
		return
	}
	switch v := v.(type) {
	case string:
		j.set(at, s, v)
	case nil:
		j.set(at, s, "")
	case json.Number:
		if !countable(s) {
			j.rows[at].bad = "a key or code written as a number: its zeros are lost"
			return
		}
		j.set(at, s, v.String())
	default:
		j.rows[at].bad = "a field that is not text"
	}
}

// countable fields are numbers in PeopleSoft.
func countable(s slot) bool {
	return s.key == emplRcd || s.key == effSeq || s.key == addressNo || s.field == "primary_address"
}

func order(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
