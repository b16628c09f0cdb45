package row

import (
	"encoding/json"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/record"
)

// Points is a list of points as a column: a JSON array, or "" for none.
func Points(list []string) string {
	if len(list) == 0 {
		return ""
	}
	clean := make([]string, len(list))
	for i, p := range list {
		clean[i] = Text(p)
	}
	b, err := json.Marshal(clean)
	if err != nil { // strings only: json cannot fail on them
		panic(err)
	}
	return string(b)
}

// PointList undoes Points.
func PointList(column string) (list []string, err error) {
	if column == "" {
		return nil, nil
	}
	return list, json.Unmarshal([]byte(column), &list)
}

// Page merges lists of records that are each sorted by Compare and cut at limit into one: each record once, at most
// limit. What a list had behind its cut is behind the cut of the page as well.
func Page(lists [][]record.Ref, limit int) []record.Ref {
	all := slices.Concat(lists...)
	slices.SortFunc(all, Compare)
	all = slices.Compact(all)
	return all[:min(len(all), limit)]
}
