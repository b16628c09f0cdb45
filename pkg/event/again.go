package event

import (
	"strconv"
	"strings"
)

// Again is e on its way through the handler a second time. The new id says which replay it belongs to and where e stood
// on its stream, so that no duplicate filter takes it for e, and a replay that is repeated after a crash takes it for
// itself. The time stays: it says how old the statement is.
func Again(e Event, replay string, place uint64) Event {
	e.ID = "replay/" + replay + "/" + strconv.FormatUint(place, 10)
	e.Cause = "replay/" + replay
	return e
}

// Place is where on its stream an event stood before Again; ok is false for an event that is on its way the first time.
func Place(e Event) (place uint64, ok bool) {
	rest, ok := strings.CutPrefix(e.ID, "replay/")
	if !ok {
		return 0, false
	}
	at := strings.LastIndexByte(rest, '/')
	if at < 1 {
		return 0, false
	}
	place, err := strconv.ParseUint(rest[at+1:], 10, 64)
	return place, err == nil
}
