package poll

import (
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// rest is the part of w that is still to be read; what was seen of it so far stays.
func rest(w event.Window, r source.Window) event.Window {
	w.From, w.To, w.After = r.From, r.To, r.After
	return w
}

func toSource(kind record.Kind, w event.Window) source.Window {
	return source.Window{Kind: kind, From: w.From, To: w.To, After: w.After, Full: w.Full, EffFrom: w.EffFrom, EffTo: w.EffTo}
}
