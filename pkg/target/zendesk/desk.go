package zendesk

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// wireJob is a job status (zendesk.md 3.3).
type wireJob struct {
	ID       string  `json:"id"`
	Total    int     `json:"total"`
	Progress int     `json:"progress"`
	Status   string  `json:"status"`
	Message  string  `json:"message"`
	Results  results `json:"results"`
}

// ended tells a job that has no further effect. Statuses nobody has heard of go on (failures.md Z13).
func (j wireJob) ended() bool {
	return j.Status == jobCompleted || j.Status == "failed" || j.Status == "killed"
}

const jobCompleted = "completed"

// ticket is one job of ours that somebody waits for.
type ticket struct {
	id, kind string
	size     int
	expect   time.Duration // time to the first look
	at       time.Time     // queued, our clock
	date     time.Time     // queued, their clock; zero when unknown
	due      time.Time     // next look worth its call
	missing  time.Time     // first look that did not find it
	early    time.Duration // age at the last look that found it running
	job      wireJob
	err      error
	done     bool
	place    *place
	sure     bool // when it is due it is over, as all of its kind were
	left     bool // its place was given back then, although nobody has looked yet
}

// desk looks after the bulk jobs in flight: so many places, and one look for all of them (performance.md 3c 3). One
// of the waiting callers does the looking, so that there is no goroutine to forget.
type desk struct {
	poll, life time.Duration
	fetch      func(ctx context.Context, ids []string) ([]wireJob, error)
	places     chan struct{}

	mu      sync.Mutex
	open    map[string]*ticket
	last    time.Time
	busy    bool
	fails   int
	changed chan struct{}
	coming  int // jobs that wait for a place or are being queued
	times   times
}

func newDesk(cfg Config, fetch func(context.Context, []string) ([]wireJob, error)) *desk {
	return &desk{
		poll: cfg.Poll, life: cfg.JobLife, fetch: fetch, places: make(chan struct{}, cfg.Jobs),
		open: map[string]*ticket{}, changed: make(chan struct{}), times: times{recorded: !localBase(cfg.BaseURL), known: map[string]bounds{}},
	}
}

// fewPlaces of the account are left to others: while there are no more, ours wait for each other (zendesk.md 3.4).
const fewPlaces = 5

// yield waits while the account is nearly full of jobs and one of ours runs.
func (d *desk) yield(ctx context.Context, left func() int) {
	for {
		n := left()
		d.mu.Lock()
		if n < 0 || n > fewPlaces || len(d.open) == 0 {
			d.mu.Unlock()
			return
		}
		err := d.sleep(ctx, max(d.poll, time.Second))
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// wait returns when the job has ended, is not known any more, or has lived too long; the last two are faults with
// Unknown. date is the answer's Date header. The place may be free before (vacate).
func (d *desk) wait(ctx context.Context, id, kind string, size int, date string, p *place) (wireJob, error) {
	k := d.register(id, kind, size, date, p)
	defer d.forget(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	for !k.done {
		d.vacate()
		wait := time.Until(d.next())
		if !d.busy && wait <= 0 {
			crash.Point("wr.job_poll")
			d.look(ctx)
			if ctx.Err() != nil && !k.done {
				return wireJob{}, unknownJob("stopped while the job ran")
			}
			continue
		}
		if over := time.Until(k.due); over > 0 && k.vacates() {
			wait = min(wait, over)
		}
		if err := d.sleep(ctx, wait); err != nil {
			return wireJob{}, unknownJob("stopped while the job ran")
		}
	}
	return k.job, k.err
}

func (d *desk) register(id, kind string, size int, date string, p *place) *ticket {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	k := &ticket{id: id, kind: kind, size: size, at: now, expect: max(d.poll, d.times.guess(kind, size, d.poll)),
		place: p, sure: d.times.sure(kind, size)}
	k.due = now.Add(k.expect)
	if t, err := http.ParseTime(date); err == nil {
		k.date = t
	}
	p.queued()
	d.open[id] = k
	d.announce()
	return k
}

// expect is about how long a job of n records takes.
func (d *desk) expect(kind string, n int) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(d.poll, d.times.guess(kind, min(n, perCall), d.poll))
}

func (d *desk) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, id)
	d.announce()
}

// next is when the next look is worth its call: when all jobs are due, but not much later than the first. Jobs that
// gave their places back keep nobody waiting: theirs is put together with that of the jobs in their places.
func (d *desk) next() time.Time {
	var last, latest time.Time
	held := false
	for _, k := range d.open {
		if k.done {
			continue
		}
		slack := max(d.poll, k.expect/4)
		if k.left {
			slack = max(slack, k.expect*5/4)
		}
		if by := k.due.Add(slack); latest.IsZero() || by.Before(latest) {
			latest = by
		}
		if k.due.After(last) {
			last = k.due
		}
		held = held || !k.left
	}
	if last.After(latest) || !held && d.coming > 0 {
		last = latest
	}
	if soonest := d.last.Add(d.poll * time.Duration(1+min(d.fails*d.fails, 30))); soonest.After(last) {
		last = soonest
	}
	return last
}

// sleep gives the lock away until something changes or wait is over; without a wait somebody else is looking.
func (d *desk) sleep(ctx context.Context, wait time.Duration) error {
	changed := d.changed
	d.mu.Unlock()
	defer d.mu.Lock()
	t := time.NewTimer(max(wait, 0))
	defer t.Stop()
	over := t.C
	if wait <= 0 {
		over = nil
	}
	select {
	case <-changed:
	case <-over:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (d *desk) announce() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// look asks for all open jobs with one call, lock given away meanwhile.
func (d *desk) look(ctx context.Context) {
	ids := make([]string, 0, len(d.open))
	for id, k := range d.open {
		if !k.done {
			ids = append(ids, id)
		}
	}
	d.busy = true
	d.mu.Unlock()
	jobs, err := d.fetch(ctx, ids[:min(len(ids), perCall)])
	d.mu.Lock()
	d.busy, d.last = false, time.Now()
	defer d.announce()
	if err != nil {
		d.failed(ctx, ids, err)
		return
	}
	d.fails = 0
	seen := map[string]wireJob{}
	for _, j := range jobs {
		seen[j.ID] = j
	}
	for _, id := range ids {
		if k := d.open[id]; k != nil {
			j, ok := seen[id]
			d.judge(k, j, ok)
		}
	}
}

// failed keeps waiting through trouble that passes; a refused credential or a bug of ours ends it.
func (d *desk) failed(ctx context.Context, ids []string, err error) {
	if ctx.Err() != nil {
		return
	}
	d.fails++
	kind := fault.KindOf(err)
	for _, id := range ids {
		k := d.open[id]
		if k == nil || kind != fault.Auth && kind != fault.Config && kind != fault.Internal && d.last.Sub(k.at) < d.life {
			continue
		}
		k.done, k.err = true, unknownJob("the job cannot be looked at: "+string(fault.CodeOf(err)))
	}
}

func (d *desk) judge(k *ticket, j wireJob, ok bool) {
	age := d.last.Sub(k.at)
	switch {
	case ok && j.ended():
		k.done, k.job = true, j
		d.times.took(k, j, age)
	case age > d.life:
		k.done, k.err = true, unknownJob("the job did not end")
	case !ok && k.missing.IsZero(): // just queued: not visible yet (zendesk.md 3.3)
		k.missing, k.due, k.sure = d.last, d.last.Add(d.poll), false
	case !ok && d.last.Sub(k.missing) > 30*d.poll:
		k.done, k.err = true, unknownJob("the job is not known any more")
	case !ok:
		k.due = d.last.Add(max(d.poll, d.last.Sub(k.missing)/2))
	default:
		k.missing, k.sure = time.Time{}, false
		d.times.longer(k, age)
		k.due = d.last.Add(max(d.poll, d.times.rest(k, j, age)))
	}
}

func unknownJob(detail string) error {
	return &fault.Error{Kind: fault.Transient, Code: fault.TargetJobUnknown, Detail: detail, Unknown: true}
}

// fetchJobs reads up to 100 jobs with one call; unknown ones are left out.
func (t *Target) fetchJobs(ctx context.Context, ids []string) ([]wireJob, error) {
	var a struct {
		Jobs []wireJob `json:"job_statuses"`
	}
	_, err := t.client.do(ctx, get("/api/v2/job_statuses/show_many", "ids", strings.Join(ids, ","), false, &a))
	return a.Jobs, err
}
