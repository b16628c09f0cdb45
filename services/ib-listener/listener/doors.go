package listener

import (
	"sync/atomic"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Doors are the doors in force. They are replaced as a whole while requests run; each request keeps the door that it
// came in by.
type Doors struct {
	now atomic.Pointer[map[tenant.ID]*Door]
}

// Set puts doors in force. Before the first call nothing is known, and every message is answered 503.
func (d *Doors) Set(doors map[tenant.ID]*Door) { d.now.Store(&doors) }

// known tells whether the settings were ever read.
func (d *Doors) known() bool { return d.now.Load() != nil }

// door is the tenant's door, or nil.
func (d *Doors) door(t tenant.ID) *Door {
	all := d.now.Load()
	if all == nil {
		return nil
	}
	return (*all)[t]
}
