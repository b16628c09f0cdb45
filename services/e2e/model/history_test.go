package model

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// step is one thing that happens. The numbers mean what the deed makes of them, so that any numbers are a history and
// shrinking one is easy.
type step struct {
	Do      string `json:"do"`
	A       int    `json:"a"` // whom
	B       int    `json:"b"`
	C       int    `json:"c"`
	How     int    `json:"how"`          // how its message travels
	Onwards bool   `json:"onwards"`      // the next step does not wait until everything is quiet
	At      int    `json:"at,omitempty"` // at which customer's; of the setup: how many customers there are, less one
}

const (
	people  = 6
	vendors = 4
	today   = 0
)

// deeds are what can happen, each as often as it is worth.
func deeds() map[string]struct {
	weight int
	do     func(*world, step)
} {
	type deed = struct {
		weight int
		do     func(*world, step)
	}
	return map[string]deed{
		"hire":        {10, func(w *world, s step) { w.hire(s, "A", today) }},
		"change":      {5, (*world).changeJob},
		"terminate":   {6, func(w *world, s step) { w.status(s, "I", today) }},
		"rehire":      {4, func(w *world, s step) { w.status(s, "A", today) }},
		"second job":  {4, (*world).secondJob},
		"future hire": {3, func(w *world, s step) { w.hire(s, "A", 1+s.C%4) }},
		"future":      {5, func(w *world, s step) { w.status(s, []string{"A", "I", "I"}[s.C%3], 1+s.C%4) }},
		"late row":    {3, func(w *world, s step) { w.status(s, []string{"A", "I"}[s.C%2], -s.C%5) }},
		"move":        {4, (*world).move},
		"withdraw":    {3, func(w *world, s step) { w.dropJob(s, true) }},
		"delete row":  {3, func(w *world, s step) { w.dropJob(s, false) }},
		"correct":     {4, (*world).correct},
		"odd status":  {2, (*world).odd},
		"death":       {1, (*world).death},
		"name":        {4, (*world).name},
		"email":       {5, (*world).email},
		"blank email": {2, (*world).blankEmail},
		"drop email":  {1, (*world).dropEmail},
		"swap emails": {3, func(w *world, s step) { w.rotate(s, 2) }},
		"ring emails": {2, func(w *world, s step) { w.rotate(s, 3) }},
		"title":       {2, (*world).title},
		"text":        {2, (*world).text},
		"vendor":      {6, (*world).vendor},
		"rename":      {3, (*world).rename},
		"status":      {4, (*world).vendorStatus},
		"scope":       {1, (*world).vendorScope},
		"sweep":       {1, func(w *world, _ step) { w.sweep() }},
		"release":     {6, func(w *world, s step) { w.release(s.A) }},
		"all arrive":  {3, (*world).arrive},
		"again":       {2, func(w *world, s step) { w.bus.again(refOf(who(s))) }},
		"midnight":    {5, func(w *world, _ step) { w.midnight() }},
		"fault":       {5, (*world).fault},
		"restart":     {1, (*world).restart},
		"crash":       {4, (*world).crash},
		"setup":       {0, func(*world, step) {}},
		"policy":      {2, (*world).repolicy},
		"replay":      {2, (*world).replay},
		"approve":     {6, func(w *world, s step) { w.decide(s.A, true) }},
		"reject":      {2, func(w *world, s step) { w.decide(s.A, false) }},
		"new number":  {4, (*world).newNumber},
		"key change":  {1, (*world).keyChange},
		"leave":       {3, (*world).layoff},
	}
}

// histories draws lists of steps; another shard makes other histories of the same numbers.
func histories(shard int) *rapid.Generator[[]step] {
	all := deeds()
	var names []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		names = append(names, slices.Repeat([]string{n}, all[n].weight)...)
	}
	names = slices.Concat(names[29*shard%len(names):], names[:29*shard%len(names)])
	one := rapid.Custom(func(t *rapid.T) step {
		return step{Do: rapid.SampledFrom(names).Draw(t, "do"), A: rapid.IntRange(0, 11).Draw(t, "a"), B: rapid.IntRange(0, 11).Draw(t, "b"),
			C: rapid.IntRange(0, 59).Draw(t, "c"), How: rapid.SampledFrom([]int{now, now, now, now, now, now, twice, long}).Draw(t, "how"),
			Onwards: rapid.SampledFrom([]bool{false, false, true}).Draw(t, "onwards"), At: rapid.IntRange(0, 1).Draw(t, "at")}
	})
	first := rapid.Custom(func(t *rapid.T) step {
		return step{Do: "setup", A: rapid.IntRange(0, 11).Draw(t, "a"), B: rapid.IntRange(0, 11).Draw(t, "b"), C: rapid.IntRange(0, 59).Draw(t, "c"),
			At: rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 1}).Draw(t, "customers")}
	})
	return rapid.Custom(func(t *rapid.T) []step {
		return append([]step{first.Draw(t, "setup")}, rapid.SliceOfN(one, 20, 60).Draw(t, "steps")...)
	})
}

func who(s step) string { return fmt.Sprintf("00%02d", s.A%people) }
func whichVendor(s step) string {
	return fmt.Sprintf("%s/%010d", []string{"SHARE", "US001"}[s.A%2], s.A%vendors/2)
}

// value is a text that nobody else has.
func (w *world) value(rec string) string {
	w.values++
	return fmt.Sprintf("of %s, %d%s", rec, w.values, w.mark)
}

// write changes a row and tells it: as a whole or, when some, only the cells that changed.
func (w *world) write(how int, some bool, s spot, cells map[string]string) {
	l := w.truth.put(s, w.next(), cells)
	if !some {
		cells = nil
	}
	w.tell(s.rec, how, nil, setFact(l, cells))
}

func (w *world) erase(how int, s spot, old bool) {
	stamp := w.next()
	if old { // a deleted row is sent with the stamp of its last change
		stamp = w.truth[s].stamp
	}
	delete(w.truth, s)
	w.tell(s.rec, how, nil, dropFact(s, stamp))
}

// pick is the n-th row of a person's jobs that is wanted.
func (w *world) pick(id string, n int, want func(line) bool) (line, bool) {
	rows := slices.DeleteFunc(w.truth.of(id, "job"), func(l line) bool { return !want(l) })
	if len(rows) == 0 {
		return line{}, false
	}
	return rows[n%len(rows)], true
}

// seq is the first free sequence of a day.
func (w *world) seq(id, rcd, eff string) (n int) {
	for _, l := range w.truth.of(id, "job") {
		if l.row == rcd && l.eff == eff {
			n = l.seq + 1
		}
	}
	return n
}
