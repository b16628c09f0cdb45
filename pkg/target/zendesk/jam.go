package zendesk

import (
	"sync"
	"time"
)

// jam notes since when the account has refused every job for want of places (failures.md Z16).
type jam struct {
	mu    sync.Mutex
	since time.Time // zero while jobs are taken
}

const jamLife = 5 * time.Minute

func (j *jam) refused() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.since.IsZero() {
		j.since = time.Now()
	}
}

func (j *jam) taken() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.since = time.Time{}
}

// long tells that records should go singly. A job is tried again after as long a time once more.
func (j *jam) long() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.since.IsZero() {
		return false
	}
	age := time.Since(j.since)
	if age > 2*jamLife {
		j.since = time.Time{}
		return false
	}
	return age >= jamLife
}
