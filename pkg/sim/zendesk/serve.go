package zendesk

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const maxBody = 16 << 20 // Zendesk publishes no limit (12.14); this only protects the test machine

// serve takes one request through counting, limits, faults, authentication and its handler.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request, rt route) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // the caller went away
	}
	c := &call{r: r, route: r.Method + " " + rt.path, body: body, header: http.Header{}}
	a := s.arrive(c, rt)
	if c.fault != nil {
		c.fault.wait(r.Context())
		if c.fault.Drop == dropBefore {
			s.note(c, 0)
			c.fault.cut(w)
			return
		}
		if a == nil && c.fault.answers() && !c.fault.AfterEffect {
			a = c.fault.reply()
		}
	}
	if a == nil {
		a = new(s.handle(c, rt))
	}
	s.finish(w, c, *a)
}

// arrive counts the request, spends the account budget and picks the fault; it answers only when over budget.
func (s *Sim) arrive(c *call, rt route) (a *reply) {
	s.locked(func(now time.Time) {
		s.requestN++
		c.now, c.id = now, fmt.Sprintf("sim-%08d", s.requestN)
		s.counters.Calls[c.route]++
		if !rt.free {
			a = s.spendAccount(c)
		}
		c.fault = s.faults.match(c)
	})
	return a
}

// handle authenticates and runs the handler on settled state.
func (s *Sim) handle(c *call, rt route) (a reply) {
	s.locked(func(now time.Time) {
		c.now = now
		if !rt.open {
			who, refusal := s.authenticate(c)
			if refusal != nil {
				a = *refusal
				return
			}
			if refusal = s.authorize(who, rt, c.r.Method); refusal != nil {
				a = *refusal
				return
			}
			c.who = who
		}
		a = rt.handle(c)
	})
	return a
}

// finish applies the faults that follow the effect, notes the request and writes the answer.
func (s *Sim) finish(w http.ResponseWriter, c *call, a reply) {
	if c.fault != nil && c.fault.AfterEffect && c.fault.answers() {
		a = *c.fault.reply()
	}
	if c.fault != nil && c.fault.Drop == dropAfter {
		s.note(c, 0)
		c.fault.cut(w)
		return
	}
	raw, kind := a.render()
	h := w.Header()
	maps.Copy(h, c.header)
	maps.Copy(h, a.header)
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", kind)
	}
	h.Set("X-Request-Id", c.id)
	h.Set("Date", c.now.Format(http.TimeFormat))
	s.note(c, a.status)
	if c.fault != nil && c.fault.cuts() {
		c.fault.writeCut(c.r.Context(), w, a.status, raw)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(a.status)
	_, _ = w.Write(raw) // a caller who hung up is no error of ours
}

func (a reply) render() (raw []byte, kind string) {
	if b, isRaw := a.body.([]byte); isRaw {
		return b, or(a.plain, "text/plain; charset=UTF-8")
	}
	if a.body == nil {
		return nil, "application/json; charset=utf-8"
	}
	return encode(a.body), "application/json; charset=utf-8"
}

// note writes the request log; status 0 means that the connection was dropped.
func (s *Sim) note(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters.Requests++
	s.counters.Statuses[status]++
	if status == http.StatusTooManyRequests {
		s.counters.TooMany++
	}
	if len(s.requests) >= s.opts.KeepRequests {
		s.requests = append(s.requests[:0], s.requests[len(s.requests)/2:]...)
	}
	s.requests = append(s.requests, Request{
		ID: c.id, At: c.now, Method: c.r.Method, Path: c.r.URL.RequestURI(), Route: c.route, Status: status,
	})
}

// refuseDelete records what must never be asked of Zendesk and changes nothing.
func (s *Sim) refuseDelete(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requestN++
	id := fmt.Sprintf("sim-%08d", s.requestN)
	s.counters.Deletes++
	s.counters.Requests++
	s.counters.Statuses[http.StatusInternalServerError]++
	s.counters.Calls[r.Method+" (delete or merge)"]++
	s.log.deletions = append(s.log.deletions, Request{
		ID: id, At: s.now(), Method: r.Method, Path: r.URL.RequestURI(), Route: "delete or merge", Status: http.StatusInternalServerError,
	})
	s.mu.Unlock()
	if !s.opts.NoPanicOnDelete {
		panic("zendesk simulator: a client asked to delete or merge: " + r.Method + " " + r.URL.Path)
	}
	w.Header().Set("X-Request-Id", id)
	http.Error(w, strings.ToLower(r.Method)+": this account is never deleted from", http.StatusInternalServerError)
}
