// Package admin serves the admin API: apply, check, sync, status, audit, findings, credentials. It knows contracts
// only; what it needs of a running system comes in as Deps. Every answer is JSON; every refusal carries code, detail
// and next step.
package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

type state interface {
	store.Tenants
	store.Cycles
	store.Findings
	Trail(ctx context.Context, t tenant.ID, q audit.Query) ([]audit.Stored, error)
	Append(ctx context.Context, t tenant.ID, entries []audit.Entry) error
	CountLedger(ctx context.Context, t tenant.ID) (map[recordKind]int, error)
	CountLinks(ctx context.Context, t tenant.ID) (map[recordKind]map[string]int, error)
	Holds(ctx context.Context, t tenant.ID, limit int) ([]store.Hold, error)
	Hold(ctx context.Context, t tenant.ID, id string) (store.Hold, error)
	HoldItems(ctx context.Context, t tenant.ID, id string, limit int) ([]store.GuardItem, error)
	DecideHold(ctx context.Context, t tenant.ID, id string, d store.Decision, entries func(store.Hold, []store.GuardItem) []audit.Entry) (store.Hold, error)
	GuardList(ctx context.Context, t tenant.ID, state store.ItemState, limit int) ([]store.GuardItem, error)
	Unpublished(ctx context.Context, t tenant.ID, limit int) ([]store.LedgerRow, error)
	OpenBatches(ctx context.Context, t tenant.ID) ([]store.Batch, error)
	Credentials(ctx context.Context, t tenant.ID) ([]store.Sealed, error)
	store.Recovery
	Chain(ctx context.Context, t tenant.ID) (audit.Chain, error)
	CommitBatch(ctx context.Context, t tenant.ID, batch string, c store.Commit) (mine bool, err error)
}

type events interface {
	State(ctx context.Context, t tenant.ID) (bus.State, error)
	Poke(ctx context.Context, t tenant.ID, k bus.Tick, cycle, cause string) error
	past
}

// Deps is what the API needs of the system it speaks for.
type Deps struct {
	Store state
	Bus   events
	Seal  vault.Sealer
	// Set seals what a person set by hand: a new version also of an equal value.
	Set vault.Sealer
	// Prepare makes the tenant's streams before anything is published on them.
	Prepare func(ctx context.Context, t tenant.ID) error
	// Check tries every connection of the tenant; fix also creates what may be created.
	Check func(ctx context.Context, t tenant.ID, fix bool) (adminapi.Checked, error)
	// Plan computes what a full run would change and tells it line by line; it writes nothing to the target.
	Plan func(ctx context.Context, t tenant.ID, q adminapi.PlanQuery, emit func(adminapi.PlanLine) error) error
	// Connection tells how the tenant signs in to Zendesk; nil leaves it out.
	Connection func(ctx context.Context, t tenant.ID) (adminapi.Connection, error)
	// Connect asks a person for a consent to the tenant's Zendesk account.
	Connect func(ctx context.Context, t tenant.ID, actor string) (adminapi.Connecting, error)
	// Coming tells what changes by itself soon; nil leaves it out.
	Coming func(ctx context.Context, t tenant.ID) (adminapi.Coming, error)
	// Own is what is wrong with the process itself, and what healed lately; nil tells nothing.
	Own func() (problems, notes []adminapi.Problem)
	// Unseal opens the message that a letter of the ingress keeps sealed; nil opens none.
	Unseal func(ctx context.Context, t tenant.ID, id string, original json.RawMessage) ([]byte, error)
	// RetryIB takes a message of the ingress out of its letter and stores what it says; nil refuses.
	RetryIB func(ctx context.Context, t tenant.ID, m bus.Message, d event.Dead) error
	// Rotate makes a new master key; nil refuses.
	Rotate func(ctx context.Context, in adminapi.Rotation) (adminapi.Rotated, error)
	// Lookup resolves secrets that the caller could not resolve.
	Lookup config.Lookup
	// Account is the writer's view of the account, where the writer runs in this process; ok is false elsewhere.
	Account func(t tenant.ID) (b target.Budget, breaker string, ok bool)
	Token   secret.String
	Version string
	Now     func() time.Time
	Log     *slog.Logger
}

// API is the admin API.
type API struct{ Deps }

// New makes the API.
func New(d Deps) *API {
	if d.Now == nil {
		d.Now = time.Now
	}
	d.Log = d.Log.With("component", "console")
	return &API{d}
}

// maxBody is the largest request (failures.md 5.4: console API).
const maxBody = 256 << 10

// Routes adds the API to mux.
func (a *API) Routes(mux *http.ServeMux) {
	handle := func(pattern string, h func(*http.Request) (any, error)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+adminapi.Prefix+path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, h) })
	}
	handle("POST /apply", a.apply)
	handle("GET /status", a.status)
	handle("POST /tenants/{tenant}/check", a.check)
	handle("POST /tenants/{tenant}/sync", a.sync)
	handle("GET /tenants/{tenant}/plan", a.plan)
	handle("GET /tenants/{tenant}/cycles/{cycle}", a.cycle)
	handle("GET /tenants/{tenant}/audit", a.audit)
	handle("GET /tenants/{tenant}/findings", a.findings)
	handle("GET /tenants/{tenant}/holds", a.holds)
	handle("GET /tenants/{tenant}/holds/{hold}", a.hold)
	handle("POST /tenants/{tenant}/holds/{hold}/approve", a.approve)
	handle("POST /tenants/{tenant}/holds/{hold}/reject", a.reject)
	handle("PUT /tenants/{tenant}/credentials/{purpose}", a.credential)
	handle("GET /tenants/{tenant}/connection", a.connection)
	handle("POST /tenants/{tenant}/connect", a.connect)
	a.recovery(handle)
	mux.HandleFunc(adminapi.Prefix+"/", func(w http.ResponseWriter, r *http.Request) {
		a.serve(w, r, func(*http.Request) (any, error) {
			return nil, fault.New(fault.Invalid, adminapi.BadRequest, "no such method and path in the admin API")
		})
	})
}

func (a *API) serve(w http.ResponseWriter, r *http.Request, h func(*http.Request) (any, error)) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !a.allowed(r) {
		a.refuse(w, &fault.Error{Kind: fault.Auth, Code: adminapi.NotAllowed, Detail: "no or wrong token",
			Next: "use --data with the folder of the process, or give its token in MLC_TOKEN"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	out, err := h(r)
	if err != nil {
		a.refuse(w, err)
		return
	}
	if many, ok := out.(lines); ok {
		a.stream(w, r, many)
		return
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		a.Log.Debug("answer not sent", "err", err)
	}
}

// allowed compares the bearer token in constant time.
func (a *API) allowed(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want := sha256.Sum256([]byte(a.Token.Reveal()))
	got := sha256.Sum256([]byte(given))
	return ok && a.Token.IsSet() && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// failureOf is what the caller is told about an error.
func failureOf(err error) adminapi.Failure {
	f := adminapi.Failure{Code: string(fault.CodeOf(err)), Detail: err.Error(), Next: nextOf(err), Kind: string(fault.KindOf(err))}
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Detail != "" {
		f.Detail = e.Detail
	}
	if ps, ok := errors.AsType[config.Problems](err); ok {
		f.Detail = "the tenant file was not applied"
		for _, p := range ps {
			f.Lines = append(f.Lines, p.String())
		}
	}
	return f
}

func (a *API) refuse(w http.ResponseWriter, err error) {
	f := failureOf(err)
	status := http.StatusInternalServerError
	switch {
	case f.Code == string(adminapi.NotAllowed):
		status = http.StatusUnauthorized
	case f.Code == string(adminapi.NoSuchTenant), errors.Is(err, store.ErrNotFound):
		status = http.StatusNotFound
	case fault.KindOf(err) == fault.Conflict:
		status = http.StatusConflict
	case fault.KindOf(err) == fault.Config, fault.KindOf(err) == fault.Invalid:
		status = http.StatusUnprocessableEntity
	case fault.KindOf(err) == fault.Transient, fault.KindOf(err) == fault.RateLimited:
		status = http.StatusServiceUnavailable
	}
	if status == http.StatusInternalServerError {
		a.Log.Error("request not answered", "err", err)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(f)
}

// tenant is the tenant of the path; it must exist.
func (a *API) tenant(r *http.Request) (tenant.ID, error) {
	t, err := tenant.Parse(r.PathValue("tenant"))
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, adminapi.BadRequest, "tenant")
	}
	return t, a.exists(r.Context(), t)
}

func (a *API) exists(ctx context.Context, t tenant.ID) error {
	_, err := a.Store.Tenant(ctx, t)
	if errors.Is(err, store.ErrNotFound) {
		return &fault.Error{Kind: fault.Config, Code: adminapi.NoSuchTenant, Detail: "there is no tenant " + string(t),
			Next: "create it with `ml-connector apply -f tenant.yaml`", Err: store.ErrNotFound}
	}
	return err
}

// decode reads a JSON body strictly.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fault.Wrap(err, fault.Invalid, adminapi.BadRequest, "body")
	}
	return nil
}

// nextOf is what the caller can do; a request that nobody can carry out is not a matter for logs.
func nextOf(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	if ok && f.Code == adminapi.BadRequest && f.Next == "" {
		return "correct the request; the command's --help and docs/reference/cli.md say what it takes"
	}
	return fault.NextOf(err)
}
