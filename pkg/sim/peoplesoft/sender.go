package peoplesoft

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// heldFor is how long a reordered message waits for the one that overtakes it.
const heldFor = 150 * time.Millisecond

// RunSender delivers what the queues hold, by the rules of Guaranteed Delivery (peoplesoft.md 1.3, 1.5), until ctx
// ends; then it answers nil. What was not accepted stays queued for the next run. Every lane is strictly in order:
//
//	2xx                          done
//	404, 503, no connection      Retry: the whole node is held back until a ping answers 200
//	anything else                Error: the lane stands still until Resubmit or Cancel
func (s *Sim) RunSender(ctx context.Context) error {
	if !s.out.ready() {
		return errors.New("sender: no node; call Node first")
	}
	s.out.mu.Lock()
	lanes := append([]*lane{}, s.out.lanes...)
	s.out.mu.Unlock()
	var all sync.WaitGroup
	for _, l := range lanes {
		all.Go(func() { s.pump(ctx, l) })
	}
	all.Wait()
	return nil
}

func (s *Sim) pump(ctx context.Context, l *lane) {
	tick := time.NewTicker(heldFor)
	defer tick.Stop()
	for ctx.Err() == nil {
		if c := s.out.next(l); c != nil {
			if s.reachable(ctx) {
				s.attempt(ctx, l, c)
			}
			continue
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-tick.C: // a held message with nobody to overtake it leaves by itself
		}
	}
}

// next is the contract to send now, or nil.
func (o *outbox) next(l *lane) *contract {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(l.waiting) == 0 && l.held != nil && time.Since(l.since) >= heldFor {
		l.release()
	}
	if len(l.waiting) == 0 || l.waiting[0].status == StatusError {
		return nil
	}
	l.waiting[0].status = StatusWorking
	l.waiting[0].attempts++
	return l.waiting[0]
}

// reachable waits until the node is not down, pinging it; false when ctx ended.
func (s *Sim) reachable(ctx context.Context) bool {
	s.out.pinging.Lock() // one lane pings, the others wait for it
	defer s.out.pinging.Unlock()
	for {
		s.out.mu.Lock()
		down, n := s.out.down, s.out.node
		s.out.mu.Unlock()
		if !down {
			return true
		}
		wait := time.NewTimer(n.PingEvery)
		select {
		case <-ctx.Done():
			wait.Stop()
			return false
		case <-wait.C:
		}
		r, err := s.ping(n)
		if err != nil {
			continue
		}
		if d := s.exchange(ctx, r, Delivery{Operation: "PING"}); d.Status == http.StatusOK {
			s.out.mu.Lock()
			s.out.down = false
			s.out.mu.Unlock()
		}
	}
}

// attempt sends every segment of a contract; the first that is not accepted ends it.
func (s *Sim) attempt(ctx context.Context, l *lane, c *contract) {
	s.out.mu.Lock()
	n, w := s.out.node, s.out.wires[s.out.sent%len(s.out.wires)]
	s.out.sent++
	s.out.mu.Unlock()
	if c.wire != nil {
		w = *c.wire
	}
	for i := range max(len(c.segments), 1) {
		r, err := s.request(n, c, w, i)
		if err != nil {
			s.out.settle(l, c, StatusError, err.Error())
			return
		}
		d := s.exchange(ctx, r, Delivery{Queue: l.Name, Operation: c.operation, ID: c.id, Key: c.key, Wire: w.Envelope, Chunk: i + 1})
		switch status := outcome(d.Status, n.Sync); {
		case ctx.Err() != nil && d.Status == 0:
			s.out.settle(l, c, StatusNew, "")
			return
		case status != "":
			s.out.settle(l, c, status, d.Problem)
			return
		}
	}
	s.out.settle(l, c, "", "")
}

// outcome is the status that an answer leads to; empty is success.
func outcome(status int, sync bool) string {
	switch {
	case status == http.StatusOK, !sync && status >= 200 && status <= 299:
		return ""
	case status == 0, status == http.StatusNotFound, status == http.StatusServiceUnavailable:
		return StatusRetry
	}
	return StatusError
}

// settle notes how an attempt ended. A contract whose answer shall be lost is sent again.
func (o *outbox) settle(l *lane, c *contract, status, problem string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.status, c.problem = status, problem
	switch status {
	case "":
		if c.lose {
			c.lose, c.status, c.problem = false, StatusRetry, "the answer was lost"
			l.Duplicates++
			return
		}
		l.waiting, l.Done, l.Last = l.waiting[1:], l.Done+1, c.id
	case StatusRetry:
		o.down = true
		l.Retries++
	case StatusError:
		l.Errors++
	}
}

// exchange sends one request and notes what came back. Redirects are not followed.
func (s *Sim) exchange(ctx context.Context, r *http.Request, d Delivery) Delivery {
	s.out.mu.Lock()
	client := s.out.client
	s.out.mu.Unlock()
	began := time.Now()
	resp, err := client.Do(r.WithContext(ctx))
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		_ = resp.Body.Close()
	}
	switch {
	case err != nil:
		d.Problem = "no contact: " + err.Error()
	default:
		d.Status, d.Type = resp.StatusCode, resp.Header.Get("Content-Type")
		if d.Status < 200 || d.Status > 299 {
			d.Problem = fmt.Sprintf("HttpStatusCode Returned = %d", d.Status)
		}
	}
	d.Time = time.Now()
	d.Took = d.Time.Sub(began)
	s.out.note(d)
	return d
}

func (o *outbox) note(d Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.log) >= 2*o.node.Keep {
		o.log = append([]Delivery{}, o.log[len(o.log)-o.node.Keep:]...)
	}
	o.log = append(o.log, d)
}
