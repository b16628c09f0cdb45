package peoplesoft

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"
)

// deliver sends an answer the way the faults want it delivered. It may end in a panic with
// http.ErrAbortHandler, which net/http turns into a closed connection.
func deliver(w http.ResponseWriter, r *http.Request, a answer, c script) {
	if f := c[FaultSlow]; f != nil && !wait(r.Context(), f.Delay) {
		return
	}
	if c[FaultReset] != nil {
		reset(w)
		return
	}
	if c[FaultHTMLType] != nil {
		a.kind = typeHTML
	}
	head(w, a)
	switch {
	case c[FaultCut] != nil:
		a.body = a.body[:keep(a.body, c[FaultCut].N)]
	case c[FaultShortLength] != nil:
		abort(w, a, c[FaultShortLength].N, true)
	case c[FaultChunkCut] != nil:
		abort(w, a, c[FaultChunkCut].N, false)
	case c[FaultStall] != nil:
		stall(w, r, a, c[FaultStall])
		return
	case c[FaultDrip] != nil:
		drip(w, r, a, c[FaultDrip])
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a client that has left is not our concern
	}
}

func head(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", a.kind)
	for name, text := range a.header {
		w.Header().Set(name, text)
	}
}

// keep is how many bytes remain of a body: n, or half of it; always less than all.
func keep(body []byte, n int) int {
	if n <= 0 {
		n = len(body) / 2
	}
	return max(min(n, len(body)-1), 0)
}

// abort sends n bytes and breaks the connection, with or without a Content-Length.
func abort(w http.ResponseWriter, a answer, n int, length bool) {
	if length {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:keep(a.body, n)])
	flush(w)
	panic(http.ErrAbortHandler)
}

// stall sends n bytes and then nothing more.
func stall(w http.ResponseWriter, r *http.Request, a answer, f *Fault) {
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:keep(a.body, f.N)])
	flush(w)
	if f.Delay <= 0 {
		<-r.Context().Done()
	} else {
		wait(r.Context(), f.Delay)
	}
	panic(http.ErrAbortHandler)
}

// drip sends a few bytes at a time.
func drip(w http.ResponseWriter, r *http.Request, a answer, f *Fault) {
	w.WriteHeader(a.status)
	for body := a.body; len(body) > 0; {
		n := min(max(f.N, 1), len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		flush(w)
		if body = body[n:]; !wait(r.Context(), f.Delay) {
			return
		}
	}
}

// reset closes the connection so that the client sees a reset, not an end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 has no connection to take over
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a plain close is the next best thing
	}
	_ = conn.Close()
}

func flush(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush() // fails only when the client has left
}

// wait tells whether the time passed before the client left.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
