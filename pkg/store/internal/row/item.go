package row

import (
	"slices"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Items is the batch's items with one per record: of several the highest version.
func Items(items []store.BatchItem) []store.BatchItem {
	place := make(map[record.Ref]int, len(items))
	out := slices.Clone(items)[:0]
	for _, it := range items {
		if at, ok := place[it.Ref]; ok {
			out[at].Version = max(out[at].Version, it.Version)
			continue
		}
		place[it.Ref] = len(out)
		out = append(out, it)
	}
	return out
}
