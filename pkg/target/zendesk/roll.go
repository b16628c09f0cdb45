package zendesk

import (
	"context"
	"strings"
	"sync"
	"time"
)

// roll calls new users by name. The results of a bulk creation may name nothing that tells whose an id is (zendesk.md
// 3.5), so each new user is read by its external id before its link is kept. The export shows 1,000 of them a call,
// show_many 100: batches that end soon after each other are called together, and what the export does not show yet is
// left to show_many. An account whose export shows new users late is not asked again for an hour.
type roll struct {
	page func(ctx context.Context, from string, since time.Time) ([]wireUser, string, bool, error)
	free func() bool // whether the export may be asked now

	mu      sync.Mutex
	writing int                  // jobs of new users that have not ended
	shown   map[string]*wireUser // by external id in lower case: who is being written, and whom a page showed already
	asked   []*muster
	busy    bool
	changed chan struct{}
	from    string
	at      time.Time // of the last page
	off     time.Time // not asked before
}

// muster is what one batch wants to see.
type muster struct {
	began time.Time // its jobs began no earlier
	exts  []string
	done  bool
}

const (
	perPage  = 1000                   // users of an export page (zendesk.md 7.5)
	together = 20 * time.Second       // the longest wait for others to share a page with: two jobs of a hundred
	breath   = 300 * time.Millisecond // the wait when nobody else is being written: the next batch may just be planned
	overlap  = 5 * time.Minute        // how far back the first page begins: the clocks differ, and a minute is the least
)

func newRoll(page func(context.Context, string, time.Time) ([]wireUser, string, bool, error), free func() bool) *roll {
	return &roll{page: page, free: free, shown: map[string]*wireUser{}, changed: make(chan struct{})}
}

// begin and end stand around a job of new users. forget comes when their outcome is known.
func (r *roll) begin(exts []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writing++
	for _, e := range exts {
		r.shown[e] = nil
	}
}

func (r *roll) forget(exts []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range exts {
		delete(r.shown, e)
	}
}

func (r *roll) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writing--
	r.announce()
}

func (r *roll) announce() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// call answers those of the external ids, in lower case, that the export shows by now; the caller looks for the others
// itself. began is when the first of them may have been written.
func (r *roll) call(ctx context.Context, exts []string, began time.Time) map[string]*wireUser {
	m := &muster{began: began, exts: exts}
	last := time.NewTimer(together)
	defer last.Stop()
	lull := time.NewTimer(breath)
	defer lull.Stop()
	late, calm := false, false
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, m)
	for !m.done {
		if !r.busy && (r.unseen(r.asked) >= perPage || late || r.writing == 0 && (calm || r.unseen(r.asked) <= perCall)) {
			r.lead(ctx)
			continue
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-last.C:
			late = true
		case <-lull.C:
			calm = true
		case <-ctx.Done():
			late = true // lead fails at once
		}
		r.mu.Lock()
	}
	seen := make(map[string]*wireUser, len(exts))
	for _, e := range exts {
		if u := r.shown[e]; u != nil {
			seen[e] = u
		}
	}
	return seen
}

func (r *roll) unseen(list []*muster) (n int) {
	for _, m := range list {
		for _, e := range m.exts {
			if r.shown[e] == nil {
				n++
			}
		}
	}
	return n
}

// lead reads for everybody who waits, lock given away meanwhile.
func (r *roll) lead(ctx context.Context) {
	list := r.asked
	r.asked, r.busy = nil, true
	n, from, since := r.unseen(list), r.from, list[0].began
	for _, m := range list {
		since = earlier(since, m.began)
	}
	if r.at.Before(since.Add(-overlap)) {
		from = "" // everything that others changed meanwhile need not be read
	}
	worth := n > perCall && ctx.Err() == nil && !time.Now().Before(r.off)
	r.mu.Unlock()
	asked := worth && r.free()
	if asked {
		from = r.read(ctx, list, n, from, since)
	}
	r.mu.Lock()
	if asked {
		r.from, r.at = from, time.Now()
		if 2*r.unseen(list) > n && ctx.Err() == nil {
			r.off = time.Now().Add(time.Hour)
		}
	}
	for _, m := range list {
		m.done = true
	}
	r.busy = false
	r.announce()
}

// read takes pages until all n are seen, the export ends, or it would be dearer than show_many.
func (r *roll) read(ctx context.Context, list []*muster, n int, from string, since time.Time) (next string) {
	for pages := 1 + n/perCall/2; pages > 0; pages-- {
		users, after, done, err := r.page(ctx, from, since.Add(-overlap))
		if err != nil {
			return ""
		}
		from = after
		if r.tick(users); done || r.complete(list) {
			break
		}
	}
	return from
}

func (r *roll) tick(users []wireUser) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range users {
		ext := strings.ToLower(u.ExternalID)
		if _, ours := r.shown[ext]; ours && !u.gone() && u.ID > 0 {
			r.shown[ext] = &u
		}
	}
}

func (r *roll) complete(list []*muster) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unseen(list) == 0
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
