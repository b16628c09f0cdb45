package row

import (
	"slices"

	"github.com/ml-connector/ml-connector/pkg/store"
)

// Observations orders observations for locking and reduces each to one finding per code, cleaned and with Since set.
// Of two observations about the same record the last one counts.
func Observations(in []store.Observation) []store.Observation {
	out := make([]store.Observation, 0, len(in))
	for _, o := range in {
		out = append(out, store.Observation{Ref: o.Ref, Findings: perCode(o)})
	}
	slices.SortStableFunc(out, func(a, b store.Observation) int { return Compare(a.Ref, b.Ref) })
	kept := out[:0]
	for i, o := range out {
		if i+1 == len(out) || out[i+1].Ref != o.Ref {
			kept = append(kept, o)
		}
	}
	return kept
}

func perCode(o store.Observation) []store.Finding {
	out := make([]store.Finding, 0, len(o.Findings))
	for i, f := range o.Findings {
		later := func(g store.Finding) bool { return g.Code == f.Code }
		if slices.ContainsFunc(o.Findings[i+1:], later) {
			continue
		}
		f.Ref, f.Detail = o.Ref, Text(f.Detail)
		if f.Since.IsZero() {
			f.Since = f.At
		}
		out = append(out, f)
	}
	return out
}
