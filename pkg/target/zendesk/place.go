package zendesk

import (
	"context"
	"sync"
	"time"
)

// mostOpen is how many jobs of ours the account has at most, also when they take longer than all before them
// (zendesk.md 3.4: five at once, ten at most).
const mostOpen = 10

// place is one of the desk's places for jobs in flight, and who takes it.
type place struct {
	d          *desk
	came, gone sync.Once
}

func (d *desk) inFlight() int { return len(d.places) }

// enter waits for a free place; leave must be called.
func (d *desk) enter(ctx context.Context) (*place, error) {
	p := &place{d: d}
	d.come(1)
	select {
	case d.places <- struct{}{}:
		return p, nil
	case <-ctx.Done():
		d.come(-1)
		return nil, stopped(ctx)
	}
}

// come counts the jobs that are about to be queued.
func (d *desk) come(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.coming += n
	d.announce()
}

// leave gives the place back, once however often it is called.
func (p *place) leave() {
	p.came.Do(func() { p.d.come(-1) })
	p.free()
}

func (p *place) free() { p.gone.Do(func() { <-p.d.places }) }

// queued tells that the place's job has its ticket; the desk is locked.
func (p *place) queued() { p.came.Do(func() { p.d.coming-- }) }

// vacate gives the places of jobs back that are over as surely as all of their kind were, although nobody has looked:
// one look then serves them and the jobs that follow them. The desk is locked.
func (d *desk) vacate() {
	now, left := time.Now(), 0
	for _, k := range d.open {
		if k.left && !k.done {
			left++
		}
	}
	for _, k := range d.open {
		if k.vacates() && !k.due.After(now) && left+1+cap(d.places) <= mostOpen {
			k.left = true
			k.place.free()
			left++
		}
	}
}

// vacates tells that the job's place is given back when the job is due.
func (k *ticket) vacates() bool { return k.sure && !k.left && !k.done }
