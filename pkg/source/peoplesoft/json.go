package peoplesoft

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

// decodeJSON reads a QAS answer (peoplesoft.md 3.2). Success must be said; anything else is an error.
func decodeJSON(b body, query string) (table, error) {
	if b.data[firstByte(b.data)] == '<' {
		return table{}, decodeError(b)
	}
	root, err := jsonRoot(b)
	if err != nil {
		return table{}, err
	}
	status, _ := root["status"].(string)
	if !strings.EqualFold(status, "success") {
		if _, said := root["status"]; !said && message(root, 0) == "" {
			return table{}, noData("the answer has no status: not an answer of the query service")
		}
		return table{}, complaint(message(root, 0))
	}
	data, _ := root["data"].(map[string]any)
	q, ok := data["query"].(map[string]any)
	if !ok {
		return table{}, noData("the answer has no data.query")
	}
	if name := queryName(q); name != "" && !strings.EqualFold(name, query) {
		return table{}, noData("the answer is of another query")
	}
	total, err := numRows(q["numrows"])
	if err != nil {
		return table{}, err
	}
	raw, said := q["rows"]
	if !said && total != 0 {
		return table{}, noData("the answer has no rows element")
	}
	rows, err := jsonRows(raw, flat)
	return table{rows, total}, err
}

func firstByte(data []byte) int {
	for i, c := range data {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return i
		}
	}
	return 0
}

func jsonRoot(b body) (map[string]any, error) {
	v, err := jsonValue(b)
	if err != nil {
		return nil, err
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, noData("the answer is not a JSON object")
	}
	return root, nil
}

func jsonValue(b body) (any, error) {
	if c := strings.ToLower(b.charset); c != "" && c != "utf-8" && c != "utf8" && c != "us-ascii" {
		return nil, noData("JSON in another character set than UTF-8")
	}
	v, err := guard.JSON(b.data, limits())
	if err != nil {
		return nil, refused(err)
	}
	return v, nil
}

// queryName accepts the key with and without its literal equals sign.
func queryName(q map[string]any) string {
	for _, key := range []string{"queryname=", "queryname"} {
		if s, ok := q[key].(string); ok {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

func numRows(v any) (int, error) {
	var text string
	switch n := v.(type) {
	case nil:
		return -1, nil
	case json.Number:
		text = n.String()
	case string:
		text = strings.TrimSpace(n)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, noData("numrows is not a count")
	}
	return n, nil
}

// jsonRows accepts an array, a single object, or null for no rows.
func jsonRows(v any, cells func(map[string]any) (map[string]cell, error)) ([]map[string]cell, error) {
	var list []any
	switch rows := v.(type) {
	case nil:
	case []any:
		list = rows
	case map[string]any:
		list = []any{rows}
	default:
		return nil, noData("rows is neither a list nor an object")
	}
	out := make([]map[string]cell, 0, len(list))
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return nil, fault.New(fault.Transient, fault.SourceSchema, "a row is not an object")
		}
		row, err := cells(object)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// flat reads the columns of a QAS row; "attr:rownumber" and its like are not columns.
func flat(object map[string]any) (map[string]cell, error) {
	row := make(map[string]cell, len(object))
	for name, v := range object {
		if strings.HasPrefix(name, "attr:") {
			continue
		}
		c, ok := toCell(v)
		if !ok {
			return nil, fault.New(fault.Transient, fault.SourceSchema, "a column holds a structure in place of a value")
		}
		row[name] = c
	}
	return row, nil
}

func toCell(v any) (cell, bool) {
	switch x := v.(type) {
	case nil:
		return cell{}, true
	case string:
		return cell{text: x}, true
	case json.Number:
		return cell{text: x.String(), number: true}, true
	case bool:
		return cell{text: strconv.FormatBool(x)}, true
	}
	return cell{}, false
}

// message looks for the text of an error answer; its shape is not documented (peoplesoft.md 7.8).
func message(object map[string]any, depth int) string {
	for _, want := range []string{"defaultmessage", "message", "errormessage", "error_message", "detail", "error", "errors", "ibresponse", "data"} {
		for name, v := range object {
			if !strings.EqualFold(name, want) {
				continue
			}
			if list, ok := v.([]any); ok && len(list) > 0 {
				v = list[0]
			}
			if s, ok := v.(string); ok {
				return s
			}
			if inner, ok := v.(map[string]any); ok && depth < 4 {
				if s := message(inner, depth+1); s != "" {
					return s
				}
			}
		}
	}
	return ""
}
