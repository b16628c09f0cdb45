package transform

// What few facts say is taken before its turn when many wait (docs/adr/0018-few-facts-overtake-a-backlog.md). The bus
// announces such a record with the place of its facts on ERP; everything that the stream holds of the record from there
// on is merged, in the ordinary compare-and-set. Its messages still come in their turn and find nothing new, and what
// stands before them comes late. A late statement loses by its change time. Where only the order of arrival would
// decide, it is merged with everything behind it, as a replay is: it cannot undo for a while what overtook it.

// recallable is from where a task reads the stream; 0 without a past: its facts come in their turn.
func (s *Service) recallable(from uint64) uint64 {
	if s.deps.Past == nil {
		return 0
	}
	return from
}

// recalls tells whether the arrivals are made by recall.
func (k *task) recalls() bool { return len(k.told) > 0 || k.from > 0 }

// recallTied makes a task that nothing but the order of arrival decides one that recalls what stands behind it.
func (s *Service) recallTied(k *task) bool {
	if s.deps.Past == nil || k.recalls() || len(k.stand) == 0 {
		return false
	}
	for _, a := range k.stand {
		if a.place == 0 {
			return false
		}
	}
	k.told = k.stand
	return true
}
