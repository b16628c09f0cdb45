package disk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Options of a watch.
type Options struct {
	Dir   string
	Floor Floor
	Every time.Duration               // between two looks; 0 means 1s
	Look  func(string) (Space, error) // nil means Of
	Now   func() time.Time            // nil means time.Now
	Log   *slog.Logger                // nil discards
}

// Watch knows whether there is room. Its methods may be called from many goroutines.
type Watch struct {
	opt Options

	mu        sync.Mutex
	state     fault.Code // "" with room, DISK_LOW, DISK_FULL
	detail    string
	since     time.Time // of the state
	short     time.Time // when room ran out, DISK_LOW included
	full      bool      // it was full since then
	recovered Recovery
}

// Recovery tells of a disk that was full and has room again.
type Recovery struct {
	At, Since time.Time // when there was room again, and since when there had been too little; zero for never
}

// New makes a watch and looks once.
func New(o Options) *Watch {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Look == nil {
		o.Look = Of
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watch{opt: o}
	w.look()
	return w
}

// Run looks again and again until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(w.opt.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			w.look()
		}
	}
}

// Err is nil while there is room, else a fault of kind Transient with DISK_LOW or DISK_FULL.
func (w *Watch) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == "" {
		return nil
	}
	return &fault.Error{Kind: fault.Transient, Code: w.state, Detail: w.detail, After: 2 * w.opt.Every}
}

// Since is when the present state began.
func (w *Watch) Since() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since
}

// Recovered is the last time that a full disk got room again.
func (w *Watch) Recovered() Recovery {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.recovered
}

func (w *Watch) look() {
	space, err := w.opt.Look(w.opt.Dir)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil { // what cannot be measured stops nothing; the broker's own limit and health are still there
		if !errors.Is(err, syscall.EINTR) {
			w.opt.Log.Debug("free space not measured", "err", err)
		}
		return
	}
	w.enter(w.judge(space), space)
}

// judge is the state that the space means. Intake opens again a little above the floor, so that it does not flap.
func (w *Watch) judge(s Space) fault.Code {
	floor := w.opt.Floor.For(s.Total)
	if w.state != "" && !w.opt.Floor.Off {
		floor += floor / 20
	}
	switch {
	case s.Free < Full:
		return fault.DiskFull
	case s.Free < floor:
		return fault.DiskLow
	}
	return ""
}

func (w *Watch) enter(state fault.Code, s Space) {
	w.detail = fmt.Sprintf("%s free where %s is, want %s: no new records come in, what is there goes on", Human(s.Free), w.opt.Dir, Human(max(w.opt.Floor.For(s.Total), Full)))
	if state == w.state {
		return
	}
	now := w.opt.Now()
	switch {
	case w.state == "":
		w.short, w.full = now, false
	case state == "" && w.full:
		w.recovered = Recovery{At: now, Since: w.short}
	}
	w.full = w.full || state == fault.DiskFull
	was := w.state
	w.state, w.since = state, now
	if state == "" {
		w.opt.Log.Info("room on the disk again: intake goes on", "fault", fault.Recovered, "was", was, "free_bytes", s.Free)
		return
	}
	w.opt.Log.Error("the disk has too little room: intake pauses", "fault", state, "dir", w.opt.Dir, "free_bytes", s.Free, "total_bytes", s.Total)
}
