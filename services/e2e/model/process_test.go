package model

import (
	"errors"
	"sync"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

var errDead = errors.New("the process died")

// errGone is what a process sees of bus, store and target after its death: nothing that it does has any effect.
var errGone = &fault.Error{Kind: fault.Transient, Code: fault.StoreDown, Detail: "gone", Err: errDead}

// process is one life of a program. It may die before or after any of its calls.
type process struct {
	mu    sync.Mutex
	fuse  int // calls until it dies, two for each: before and after the effect; < 0: it lives
	isOut bool
	died  chan struct{}
}

func newProcess() *process { return &process{fuse: -1, died: make(chan struct{})} }

func (p *process) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isOut
}

// ignite lets the process die at its n-th moment from now.
func (p *process) ignite(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fuse = n
}

func (p *process) burn() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.isOut:
		return errGone
	case p.fuse < 0:
		return nil
	case p.fuse == 0:
		p.isOut = true
		close(p.died)
		return errGone
	}
	p.fuse--
	return nil
}

// step runs an effect between two moments at which the process may die.
func (p *process) step(effect func() error) error {
	if err := p.burn(); err != nil {
		return err
	}
	if err := effect(); err != nil {
		return err
	}
	return p.burn()
}

// bury marks a process that ended by itself.
func (p *process) bury() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isOut {
		p.isOut = true
		close(p.died)
	}
}
