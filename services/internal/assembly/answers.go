package assembly

import (
	"maps"
	"sync"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// answered is a kind of answer of the ingress. The tenant is "" for pings and for senders that proved nothing, so that
// strangers cannot make labels.
type answered struct {
	tenant tenant.ID
	status int
	code   fault.Code
}

// answers counts what the ingress of this process answered. The zero value is ready.
type answers struct {
	mu sync.Mutex
	n  map[answered]float64
}

func (a *answers) add(t tenant.ID, status int, code fault.Code) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n == nil {
		a.n = map[answered]float64{}
	}
	a.n[answered{t, status, code}]++
}

func (a *answers) each(f func(a answered, n float64)) {
	a.mu.Lock()
	now := maps.Clone(a.n)
	a.mu.Unlock()
	for k, n := range now {
		f(k, n)
	}
}
