package row

import (
	"slices"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Items is the batch's items with one per record: of several the highest version.
func Items(items []store.BatchItem) []store.BatchItem {
	place := make(map[record.Ref]int, len(items))
	out := make([]store.BatchItem, 0, len(items))
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

// Links is links with one per record, of several the last, in the order of locking.
func Links(links []store.Link) []store.Link {
	sorted := slices.Clone(links)
	slices.SortStableFunc(sorted, func(a, b store.Link) int { return Compare(a.Ref, b.Ref) })
	kept := sorted[:0]
	for i, l := range sorted {
		if i+1 == len(sorted) || sorted[i+1].Ref != l.Ref {
			kept = append(kept, l)
		}
	}
	return kept
}
