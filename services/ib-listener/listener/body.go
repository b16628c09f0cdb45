package listener

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/pkg/crash"
)

var (
	errTooLarge = errors.New("body is larger than allowed")
	errNoMemory = errors.New("too many large bodies at once")
)

// budget bounds the memory of all bodies together.
type budget struct{ left atomic.Int64 }

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) { b.left.Add(n) }

const (
	firstPiece = 32 << 10
	slowest    = 1 << 10          // bytes a second (failures.md N07)
	longest    = 60 * time.Second // for a body; every MiB may take another second
)

// body is what a request brought, with the memory that it holds.
type body struct {
	bytes []byte
	held  int64
	from  *budget
}

func (b *body) release() {
	b.from.give(b.held)
	b.bytes, b.held = nil, 0
}

// read reads the whole body of at most limit bytes. It fails on a body that did not arrive as it was announced: a
// handler learns that only here (failures.md N08). Memory is taken from the budget before it is used.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, from *budget, limit int64) (*body, error) {
	b := &body{from: from}
	if r.ContentLength > limit {
		return b, errTooLarge
	}
	start, control := h.opt.Now(), http.NewResponseController(w)
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	for {
		if err := b.room(min(limit, max(r.ContentLength, 0))+1, limit+1); err != nil {
			return b, err
		}
		n := int64(len(b.bytes))
		_ = control.SetReadDeadline(start.Add(min(h.opt.Patience+time.Duration(n/slowest)*time.Second, longest+time.Duration(n>>20)*time.Second)))
		got, err := r.Body.Read(b.bytes[n:cap(b.bytes)])
		b.bytes = b.bytes[:n+int64(got)]
		if int64(len(b.bytes)) > limit {
			return b, errTooLarge
		}
		if errors.Is(err, io.EOF) || err != nil && crash.Bug("ignore-body-error") {
			return b, nil
		}
		if err != nil {
			return b, err //nolint:wrapcheck // only its being there matters
		}
	}
}

// room makes place for at least one more byte: what was announced at first, doubled later, never above most.
func (b *body) room(announced, most int64) error {
	if len(b.bytes) < cap(b.bytes) {
		return nil
	}
	size := min(max(2*int64(cap(b.bytes)), announced, firstPiece), most)
	if cap(b.bytes) == 0 { // an announcement alone buys no memory beyond the first MiB
		size = min(size, max(firstPiece, 1<<20))
	}
	if !b.from.take(size) {
		return errNoMemory
	}
	fresh := make([]byte, len(b.bytes), size)
	copy(fresh, b.bytes)
	b.from.give(b.held)
	b.bytes, b.held = fresh, size
	return nil
}
