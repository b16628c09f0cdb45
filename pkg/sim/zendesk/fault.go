package zendesk

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	dropBefore = "before"
	dropAfter  = "after"
)

// Fault is a rule for what shall go wrong. It matches by method and path, lets After matching calls pass, and then
// strikes Times calls (0 = one, < 0 = for ever), or each Every-th of them. The oldest matching fault wins.
type Fault struct {
	Method string `json:"method,omitempty"` // "" = any
	// Path is "" for any, a route such as /api/v2/users/{id}, an exact path, or a prefix that ends in *.
	Path string `json:"path,omitempty"`
	// Contains must stand in the query or the body, for example an external id.
	Contains string `json:"contains,omitempty"`

	After int `json:"after,omitempty"`
	Times int `json:"times,omitempty"`
	Every int `json:"every,omitempty"`

	// Status, Header and Body are the answer; a Body or Header alone means 200. {} is not an empty answer: see Empty.
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
	HTML   bool              `json:"html,omitempty"`  // 200 with an HTML page, unless Status and Body say else
	Empty  bool              `json:"empty,omitempty"` // 200 without a body, unless Status says else
	// AfterEffect lets the call take effect before the answer above replaces its own.
	AfterEffect bool `json:"after_effect,omitempty"`

	Drop     string `json:"drop,omitempty"`     // "before" or "after" the effect: the connection is cut without an answer
	Reset    bool   `json:"reset,omitempty"`    // with Drop: cut by a TCP reset instead of a close
	Truncate int    `json:"truncate,omitempty"` // the body is cut after so many bytes and the connection closed
	DelayMS  int    `json:"delay_ms,omitempty"` // before anything happens
	DripMS   int    `json:"drip_ms,omitempty"`  // the body comes in pieces of 64 bytes with this pause between

	Lose bool      `json:"lose,omitempty"` // the answer is good and the write does not stick (Z22)
	Job  *JobFault `json:"job,omitempty"`  // what becomes of the bulk job that this call queues
}

// JobFault is the fate of one bulk job.
type JobFault struct {
	// Status is "failed", "killed", "working" (stuck for ever), or any unknown word; "" = completed.
	Status  string `json:"status,omitempty"`
	Applied int    `json:"applied,omitempty"` // with a Status: so many records take effect before; < 0 = all
	// Drop and Shuffle spoil the results of a completed job: the last Drop are missing, the order is another.
	Drop    int  `json:"drop,omitempty"`
	Shuffle bool `json:"shuffle,omitempty"`
	// Refuse is how many records at the beginning of a job on update_many of users are answered as failed and not
	// written, for a reason that is over when they are sent again (3.5).
	Refuse int `json:"refuse,omitempty"`
	Repeat int `json:"repeat,omitempty"` // the first Repeat come a second time, at the end
}

type armedFault struct {
	Fault
	id, seen, struck int
}

type faultStore struct {
	list   []*armedFault
	next   int
	struck int
}

// Fault arms a fault and returns its number.
func (s *Sim) Fault(f Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.next++
	s.faults.list = append(s.faults.list, &armedFault{Fault: f, id: s.faults.next})
	return s.faults.next
}

// ClearFaults forgets every fault.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.list = nil
}

// Struck is how many calls met a fault since the account was made.
func (s *Sim) Struck() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.struck
}

func (fs *faultStore) match(c *call) *Fault {
	for _, f := range fs.list {
		if f.matches(c) && f.strikes() {
			fs.struck++
			return &f.Fault
		}
	}
	return nil
}

func (f *armedFault) matches(c *call) bool {
	if f.Method != "" && f.Method != c.r.Method {
		return false
	}
	if f.Contains != "" && !strings.Contains(c.r.URL.RawQuery, f.Contains) && !bytes.Contains(c.body, []byte(f.Contains)) {
		return false
	}
	path := c.r.URL.Path
	if prefix, isPrefix := strings.CutSuffix(f.Path, "*"); isPrefix {
		return strings.HasPrefix(path, prefix)
	}
	return f.Path == "" || f.Path == path || c.route == c.r.Method+" "+f.Path
}

func (f *armedFault) strikes() bool {
	f.seen++
	if f.seen <= f.After || f.Every > 1 && (f.seen-f.After)%f.Every != 0 {
		return false
	}
	if f.Times >= 0 && f.struck >= max(1, f.Times) {
		return false
	}
	f.struck++
	return true
}

func (f *Fault) answers() bool {
	return f.Status != 0 || f.Body != "" || len(f.Header) > 0 || f.HTML || f.Empty
}

func (f *Fault) cuts() bool { return f.Truncate > 0 || f.DripMS > 0 }

func (f *Fault) reply() *reply {
	a := &reply{status: or(f.Status, http.StatusOK), header: http.Header{}, body: []byte(f.Body)}
	if strings.HasPrefix(strings.TrimSpace(f.Body), "{") {
		a.plain = "application/json; charset=utf-8"
	}
	if f.HTML {
		a.plain = "text/html; charset=UTF-8"
		a.body = []byte(or(f.Body, "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"))
	}
	for k, v := range f.Header {
		a.header.Set(k, v)
	}
	return a
}

func (f *Fault) wait(ctx context.Context) { pause(ctx, time.Duration(f.DelayMS)*time.Millisecond) }

// writeCut announces the whole body, then sends it drop by drop, or only its head before the connection ends.
func (f *Fault) writeCut(ctx context.Context, w http.ResponseWriter, status int, raw []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	end := len(raw)
	if f.Truncate > 0 {
		end = min(f.Truncate, end)
	}
	flush := http.NewResponseController(w).Flush
	for from := 0; from < end; from += 64 {
		_, _ = w.Write(raw[from:min(from+64, end)])
		_ = flush() // a recorder without Flush still gets the bytes
		pause(ctx, time.Duration(f.DripMS)*time.Millisecond)
	}
	if end < len(raw) {
		panic(http.ErrAbortHandler)
	}
}

// cut ends the connection without an answer.
func (f *Fault) cut(w http.ResponseWriter) {
	if !f.Reset {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 and recorders have no connection to reset
	}
	if tcp, is := conn.(*net.TCPConn); is {
		_ = tcp.SetLinger(0) // unsent data is dropped and the peer gets RST
	}
	_ = conn.Close()
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
