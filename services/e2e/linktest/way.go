package linktest

import (
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"
)

// way is one direction of one connection.
type way struct {
	*pair
	to   net.Conn
	what *atomic.Pointer[side]
	of   *side // the harm that sent counts for
	sent int64
	hole bool
}

// pass sends what came on, as the harm of the moment lets it; false ends the direction.
func (w *way) pass(b []byte) bool {
	for len(b) > 0 {
		h := w.what.Load()
		if h != w.of {
			w.of, w.sent, w.hole = h, 0, false
		}
		if w.hole || w.born < w.link.frozen.Load() {
			if !w.hole {
				w.hole = true
				w.link.struck.Add(1)
			}
			return true
		}
		n, last := h.piece(len(b), w.sent)
		if n > 0 && !w.send(h, b[:n]) {
			return false
		}
		b = b[n:]
		if last && w.strike(h) {
			return w.hole
		}
		if last && n == 0 { // spared: the harm ended enough others
			n = h.slice(len(b))
			if !w.send(h, b[:n]) {
				return false
			}
			b = b[n:]
		}
	}
	return true
}

// piece is how much of n bytes goes on in one piece, and whether the connection ends behind it.
func (s *side) piece(n int, sent int64) (int, bool) {
	n = s.slice(n)
	if s.End != Open && int64(n) >= s.After-sent {
		return int(max(s.After-sent, 0)), true
	}
	return n, false
}

func (s *side) slice(n int) int {
	if s.Slice > 0 {
		return min(n, s.Slice)
	}
	return n
}

func (w *way) send(h *side, b []byte) bool {
	d := h.Latency
	if h.Jitter > 0 {
		d += rand.N(h.Jitter)
	}
	if h.Rate > 0 {
		d += time.Duration(len(b)) * time.Second / time.Duration(h.Rate)
	}
	if !w.wait(d) {
		return false
	}
	if _, err := w.to.Write(b); err != nil {
		w.end(Close)
		return false
	}
	w.sent += int64(len(b))
	w.link.carried.Add(int64(len(b)))
	return true
}

// strike ends the connection as h says, unless h ended enough.
func (w *way) strike(h *side) bool {
	if h.Times > 0 && h.ended.Add(1) > h.Times {
		return false
	}
	w.link.struck.Add(1)
	if h.End == Hole {
		w.hole = true
		return true
	}
	w.end(h.End)
	return true
}
