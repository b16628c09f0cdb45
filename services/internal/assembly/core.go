// Package assembly is the wiring: it alone knows every adapter and every service, and nothing else. A Core is the
// shared state of one process; roles are the stages that run in it; the supervisor runs the roles of every tenant
// and starts them anew when its settings or credentials change. Adding a source or a target is one line in a catalog.
package assembly

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/disk"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

// Keys is what the assembly needs of the vault.
type Keys interface {
	vault.Opener
	vault.Sealer
	vault.Swapper
}

// Core is what the roles of one process share.
type Core struct {
	Store store.Store
	Bus   bus.Bus
	Keys  Keys
	Log   *slog.Logger
	Now   func() time.Time
	Tune  Tune
	Disk  *disk.Watch // of the disk that this process keeps streams and state on; nil when others keep them
	// Public is the address under which a browser reaches the operators' pages, such as https://connector.example.com;
	// "" where none is served.
	Public string

	// Bend stands between writer and account in the tests of the assertions: a writer with a bug. nil in production.
	Bend func(target.Target) target.Target

	answers   answers   // of the ingress
	accounts  *Accounts // that this process writes; nil where it writes none
	regaining turns
}

// Tune scales times for tests and demos; the zero value is production.
type Tune struct {
	Reload      time.Duration // how often settings are looked at; default 1s
	JobPoll     time.Duration // wait between two looks at Zendesk's jobs; default 1s
	CallLife    time.Duration // see target.Target; default of the adapter
	WriterIdle  time.Duration // first pause after the account refused everything; default 5s
	Linger      time.Duration // how long a writer waits for more records
	Alone       bool          // no other process writes
	SealEvery   time.Duration
	WriterBatch int
	WriterWork  time.Duration // longest time of one batch; default 3m
	WriterLife  time.Duration // silence of a writer after which another one takes over; default 10s
	JobLife     time.Duration // of a bulk job without an end, before its records are looked at; default of the adapter
	Look        time.Duration // after so long a write is looked at again; default 1m
	Breaker     time.Duration // how long the breaker stays open; default 30s
	Window      time.Duration // in which Zendesk takes five updates of one record; default 1m
	Patience    time.Duration // longest wait for a limit of Zendesk inside one call; default 90s
	Silence     time.Duration // of PeopleSoft or Zendesk before a call is given up; default 15s
}

// Settings reads a tenant's settings from the store.
func (c *Core) Settings(ctx context.Context, t tenant.ID) (config.Tenant, int64, error) {
	row, err := c.Store.Tenant(ctx, t)
	if err != nil {
		return config.Tenant{}, 0, err
	}
	s, err := config.FromDoc(row.Doc)
	if err != nil {
		return s, 0, fault.Wrap(err, fault.Config, fault.BadConfig, "the stored settings of "+string(t)+" were written by another version")
	}
	return s, row.Version, nil
}

// Prepare makes the tenant's streams and remembers them. Streams that are older than the store are made good.
func (c *Core) Prepare(ctx context.Context, t tenant.ID) error {
	end, err := c.regaining.begin(ctx, t) // one role does it while the others of this process wait to begin
	if err != nil {
		return err
	}
	defer end()
	known, err := c.Store.KnownStreams(ctx, t)
	if err != nil {
		return err
	}
	created, err := c.Bus.Ensure(ctx, t, known)
	if err != nil {
		return err
	}
	for name, at := range created {
		if err := c.Store.RememberStream(ctx, t, name, at); err != nil {
			return err
		}
	}
	if known, err = c.Store.KnownStreams(ctx, t); err != nil {
		return err
	}
	if err := c.regain(ctx, t, known); err != nil {
		return err
	}
	return c.catchUp(ctx, t)
}

// Seal stores a credential unless the same value is sealed already: a value that did not change restarts nothing.
func (c *Core) Seal(ctx context.Context, t tenant.ID, p vault.Purpose, v secret.String) error {
	old, err := c.Keys.Open(ctx, t, p)
	if err == nil && subtle.ConstantTimeCompare([]byte(old.Reveal()), []byte(v.Reveal())) == 1 {
		return nil
	}
	return c.Keys.Seal(ctx, t, p, v)
}

// Lookup resolves env: and file: references in this process.
func Lookup(getenv func(string) string) config.Lookup {
	return config.Lookup{
		Env:  func(name string) (string, bool) { v := getenv(name); return v, v != "" },
		File: os.ReadFile,
	}
}

// fingerprint changes whenever something that the roles were built from changed.
func (c *Core) fingerprint(ctx context.Context, t tenant.ID) (string, error) {
	row, err := c.Store.Tenant(ctx, t)
	if err != nil {
		return "", err
	}
	creds, err := c.Store.Credentials(ctx, t)
	if err != nil {
		return "", err
	}
	print := fmt.Sprintf("settings %d", row.Version)
	for _, s := range creds {
		if !slices.Contains(vault.Kept(), vault.Purpose(s.Purpose)) { // tokens that rotate by themselves restart nothing
			print += fmt.Sprintf(" %s %d", s.Purpose, s.Version)
		}
	}
	return print, nil
}

// ignoreCanceled turns the end of ctx into nil.
func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
