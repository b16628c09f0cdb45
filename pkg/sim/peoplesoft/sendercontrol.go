package peoplesoft

import (
	"context"
	"errors"
	"net/http"
	"time"
)

func (s *Sim) senderReads(read func(string, func(*http.Request) any)) {
	read("ib/queues", func(*http.Request) any { return s.Queues() })
	read("ib/deliveries", func(*http.Request) any { return s.Deliveries() })
	read("ib/formats", func(*http.Request) any { return Wires() })
}

func (s *Sim) senderActs(do func(string, func(*http.Request) (any, error))) {
	do("ib/publish", func(r *http.Request) (any, error) {
		var p Publication
		if err := decode(r, &p); err != nil {
			return nil, err
		}
		ids, err := s.Publish(p)
		return map[string]any{"transactions": ids}, err
	})
	do("ib/node", func(r *http.Request) (any, error) {
		var o NodeOptions
		if err := decode(r, &o); err != nil {
			return nil, err
		}
		return done(s.Node(o))
	})
	do("ib/format", func(r *http.Request) (any, error) { return done(s.Format(r.FormValue("wire"))) })
	do("ib/resubmit", func(r *http.Request) (any, error) {
		return map[string]int{"resubmitted": s.Resubmit(r.FormValue("queue"))}, nil
	})
	do("ib/cancel", func(r *http.Request) (any, error) {
		return map[string]int{"cancelled": s.Cancel(r.FormValue("queue"))}, nil
	})
}

// Format changes the wire formats of everything that leaves from now on; they are taken in turn.
func (s *Sim) Format(wires ...string) error {
	var all []Wire
	for _, text := range wires {
		w, err := ParseWire(text)
		if err != nil {
			return err
		}
		all = append(all, w)
	}
	if len(all) == 0 {
		return errors.New("format: want at least one")
	}
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.wires = all
	return nil
}

// Drained waits until no queue holds anything, and answers false when ctx ends first or a queue is blocked.
func (s *Sim) Drained(ctx context.Context) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		waiting, blocked := 0, 0
		for _, q := range s.Queues() {
			waiting += q.Waiting
			if q.Blocked {
				blocked++
			}
		}
		if waiting == 0 || blocked > 0 {
			return waiting == 0
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
