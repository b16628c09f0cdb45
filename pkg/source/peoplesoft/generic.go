package peoplesoft

import (
	"strings"
)

// decode reads the answer of a custom service: rows at a dotted path, nested fields flattened to dotted names.
func (g Generic) decode(b body) (table, error) {
	if b.data[firstByte(b.data)] == '<' {
		return table{}, decodeError(b)
	}
	v, err := jsonValue(b)
	if err != nil {
		return table{}, err
	}
	if root, ok := v.(map[string]any); ok {
		if status, said := root["status"].(string); said && strings.EqualFold(status, "error") {
			return table{}, complaint(message(root, 0))
		}
	}
	rows, found := descend(v, g.Rows)
	if !found {
		return table{}, noData("the answer has nothing at the path of the rows")
	}
	list, err := jsonRows(rows, nested)
	return table{rows: list, total: -1}, err
}

func descend(v any, path string) (any, bool) {
	if path == "" {
		return v, v != nil
	}
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = object[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

// nested flattens objects to dotted names; lists are no values and are left out.
func nested(object map[string]any) (map[string]cell, error) {
	row := map[string]cell{}
	var walk func(prefix string, object map[string]any)
	walk = func(prefix string, object map[string]any) {
		for name, v := range object {
			if inner, ok := v.(map[string]any); ok {
				walk(prefix+name+".", inner)
				continue
			}
			if c, ok := toCell(v); ok {
				row[prefix+name] = c
			}
		}
	}
	walk("", object)
	return row, nil
}
