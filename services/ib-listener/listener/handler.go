package listener

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Options of a handler; zero fields take the defaults.
type Options struct {
	InFlight int           // deliveries of one tenant at once; 8 (failures.md 5.4)
	Unproven int           // requests at once of senders that only the body can prove; 32
	Memory   int64         // bytes of all bodies of proven senders together; 256 MiB. Others have half as much
	Wait     time.Duration // longest wait for the broker to store; 8s (failures.md 2.2)
	Long     time.Duration // longest storing of a message of many batches; 45s
	Patience time.Duration // before a body must come faster than 1 KiB a second; 10s (failures.md N07)
	Now      func() time.Time
	Log      *slog.Logger
	// Form is the body of answers to requests that were not opened; nil is plain text.
	Form func(ok bool, detail string) (contentType string, body []byte)
	// Counted is called once with how each delivery ended; nil counts nowhere. t is "" for senders that proved nothing.
	Counted func(t tenant.ID, status int, code fault.Code)
}

func (o Options) withDefaults() Options {
	o.InFlight, o.Unproven = orElse(o.InFlight, 8), orElse(o.Unproven, 32)
	o.Memory = orElse(o.Memory, 256<<20)
	o.Wait, o.Long = orElse(o.Wait, 8*time.Second), orElse(o.Long, 45*time.Second)
	o.Patience = orElse(o.Patience, 10*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Form == nil {
		o.Form = plain
	}
	if o.Counted == nil {
		o.Counted = func(tenant.ID, int, fault.Code) {}
	}
	return o
}

func orElse[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Handler answers requests on the ingress. Make one per process with New.
type Handler struct {
	doors    *Doors
	bus      Bus
	seal     Seal
	opt      Options
	memory   budget // for bodies of proven senders
	spare    budget // for bodies of those that only the body can prove
	draining atomic.Bool
	closed   Door // what unknown tenants meet
	unproven chan struct{}
	health   health

	mu      sync.Mutex
	tenants map[tenant.ID]*desk
}

// desk is what one tenant's deliveries share, whatever its settings become.
type desk struct {
	slots  chan struct{}
	memory memory
}

// New makes a handler. It answers 503 until doors are set.
func New(doors *Doors, b Bus, seal Seal, o Options) *Handler {
	o = o.withDefaults()
	h := &Handler{doors: doors, bus: b, seal: seal, opt: o, closed: Door{Access: nobody()}, unproven: make(chan struct{}, o.Unproven),
		health: health{ask: b.Healthy, now: o.Now}, tenants: map[tenant.ID]*desk{}}
	h.memory.left.Store(o.Memory)
	h.spare.left.Store(o.Memory / 2)
	return h
}

// Drain makes every later request answer 503; those in flight go on.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var t tenant.ID
	a, finished := again(fault.Unclassified, "internal error"), false
	defer func() {
		if !finished {
			h.opt.Log.Error("request panicked", "tenant", t, "panic", fmt.Sprintf("%T", recover()))
		}
		h.opt.Counted(t, a.status, a.code)
		h.write(w, r, a)
	}()
	t, a = h.serve(w, r)
	finished = true
}

// serve decides. It answers the tenant once the sender is proven.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (tenant.ID, answer) {
	name, ok := place(r)
	if !ok {
		return "", refuse(http.StatusForbidden, "nothing is here")
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return "", h.ping(r.Context())
	case http.MethodPost:
		return h.post(w, r, name)
	}
	return "", refuse(http.StatusMethodNotAllowed, "only POST, and GET as a ping")
}

// place answers the tenant's name. The path is taken as it was sent: no escape, no dot, no second slash means anything
// here, and nothing is ever redirected. Host and query have no say.
func place(r *http.Request) (tenant.ID, bool) {
	name, ok := strings.CutPrefix(r.URL.EscapedPath(), "/ib/")
	if !ok {
		return "", false
	}
	t, err := tenant.Parse(name)
	return t, err == nil
}

// desk is the tenant's desk; tenants that are not there have none.
func (h *Handler) desk(t tenant.ID) *desk {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.tenants[t]
	if d == nil {
		d = &desk{slots: make(chan struct{}, h.opt.InFlight), memory: newMemory()}
		h.tenants[t] = d
	}
	return d
}
