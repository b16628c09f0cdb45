package event_test

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/event"
)

func TestAnEventAgainSaysWhereItStood(t *testing.T) {
	e := event.Event{ID: "cycle/1/7", Cause: "cycle/1", Time: time.Unix(5, 0)}
	a := event.Again(e, "r-1", 42)
	if a.ID != "replay/r-1/42" || a.Cause != "replay/r-1" || !a.Time.Equal(e.Time) {
		t.Fatalf("got %+v", a)
	}
	if place, ok := event.Place(a); !ok || place != 42 {
		t.Fatalf("place %d, %t", place, ok)
	}
	if b := event.Again(a, "dead-9", 42); b.ID != "replay/dead-9/42" {
		t.Fatalf("again and again: %s", b.ID)
	}
}

func TestOnlyAnEventAgainHasAPlace(t *testing.T) {
	for name, id := range map[string]string{"a first time": "cycle/1/7", "no place": "replay/r-1/", "no replay": "replay//7", "no number": "replay/r-1/x", "only a word": "replay/7", "nothing": ""} {
		if place, ok := event.Place(event.Event{ID: id}); ok {
			t.Errorf("%s: %q has place %d", name, id, place)
		}
	}
}
