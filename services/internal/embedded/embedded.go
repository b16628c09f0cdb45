// Package embedded puts the whole system into one process: embedded broker and store in one data folder, every stage,
// the admin API. Only the ml-connector program imports it.
package embedded

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/disk"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/pgstore"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

// Options of the one process.
type Options struct {
	Data     string     // folder of this process alone; created with mode 0700
	Listen   string     // operators
	Ingress  string     // the outside world; "" opens none
	CertFile string     // of the ingress, PEM; "" speaks plain HTTP
	CertKey  string     // its key
	Public   string     // where browsers find what Listen serves; "" is Listen itself
	KeyFile  string     // master key; "" is <Data>/master.key
	Database string     // "" is SQLite in the data folder, else a Postgres URL
	MinFree  disk.Floor // of the disk of the data folder; under it nothing new comes in
	Getenv   func(string) string
	Log      *slog.Logger
	Tuning   assembly.Tuning
}

// System is the whole system, opened and not yet running.
type System struct {
	Core     *assembly.Core
	Accounts *assembly.Accounts
	Token    secret.String
	opt      Options
	server   *natsembed.Server
	listen   net.Listener
	ingress  net.Listener
	secure   *tls.Config // of the ingress
}

// Open opens the data folder, vault, store and broker. The folder belongs to one process: a second one is refused.
func Open(ctx context.Context, o Options) (_ *System, err error) {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "data folder")
	}
	s := &System{opt: o, Accounts: &assembly.Accounts{}}
	defer func() {
		if err != nil {
			s.Close(context.WithoutCancel(ctx))
		}
	}()
	if o.KeyFile == "" {
		o.KeyFile = filepath.Join(o.Data, "master.key")
	}
	if s.Token, err = assembly.Token(filepath.Join(o.Data, "admin.token")); err != nil {
		return nil, err
	}
	st, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	s.Core = &assembly.Core{Store: st, Log: o.Log, Now: time.Now, Tune: o.Tuning.Tune(),
		Disk: disk.New(disk.Options{Dir: o.Data, Floor: o.MinFree, Log: o.Log})}
	s.Core.Tune.Alone = o.Database == ""
	keys, err := vault.Open(ctx, vault.Options{KeyFile: o.KeyFile, Create: true}, st)
	if err != nil {
		return nil, err
	}
	s.Core.Keys = keys
	return s, s.openBroker(ctx, o, keys)
}

func openStore(ctx context.Context, o Options) (store.Store, error) {
	if o.Database != "" {
		return pgstore.Open(ctx, o.Database)
	}
	return sqlitestore.Open(ctx, filepath.Join(o.Data, "ml-connector.db"))
}

func (s *System) openBroker(ctx context.Context, o Options, keys *vault.Vault) (err error) {
	s.server, err = natsembed.Start(ctx, natsembed.Options{Dir: filepath.Join(o.Data, "nats"), Key: keys.DeriveKey("jetstream"), Logger: o.Log})
	if err != nil {
		return err
	}
	s.Core.Bus, err = natsbus.Connect(ctx, natsbus.Options{InProcess: s.server, Name: "ml-connector", Logger: o.Log,
		AckWait: o.Tuning.AckWait, PinnedTTL: o.Tuning.PinnedTTL, Backoff: o.Tuning.Backoff()})
	if err != nil {
		return err
	}
	if db, ok := s.Core.Store.(*sqlitestore.Store); ok { // the broker's folder is locked: who holds a lease is dead
		if err = db.EndLeases(ctx); err != nil {
			return err
		}
	}
	if s.listen, err = listen(o.Listen, "--listen"); err != nil {
		return err
	}
	if s.secure, err = assembly.IngressTLS(o.CertFile, o.CertKey); err != nil {
		return err
	}
	s.ingress, err = listen(o.Ingress, "--ingress")
	return err
}

func listen(address, flag string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, Code: fault.BadConfig, Detail: flag + " " + address + " cannot be opened: " + err.Error(),
			Next: "choose another address with " + flag + ", or stop what uses it"}
	}
	return l, nil
}

// Address is where operators find the system, as host:port.
func (s *System) Address() string {
	if s.listen == nil {
		return ""
	}
	return s.listen.Addr().String()
}

// IngressAddress is where the outside world finds the system, as host:port; "" when it does not.
func (s *System) IngressAddress() string {
	if s.ingress == nil {
		return ""
	}
	return s.ingress.Addr().String()
}

// Client is a client of the system's admin API.
func (s *System) Client() *adminapi.Client { return adminapi.NewClient("http://"+s.Address(), s.Token) }

// Run runs everything until ctx ends; commands on this machine find it through the data folder.
func (s *System) Run(ctx context.Context) error {
	c := s.Core
	if s.listen != nil {
		c.Public = assembly.PublicURL(s.opt.Public, s.listen.Addr())
	}
	api := c.Admin(s.Token, s.Accounts, s.opt.Getenv)
	parts := []app.Component{c.TellKeys(), c.TellDisk(), c.Component(c.Poller(), c.Transformer(), c.Replayer(), c.Writer(s.Accounts), c.Recorder())}
	if s.listen != nil {
		parts = append(parts, c.Operations(s.listen, api.Routes, c.Pages(api).Routes))
		if err := adminapi.WriteLocal(s.opt.Data, s.local()); err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		defer adminapi.RemoveLocal(s.opt.Data)
	}
	if s.ingress != nil {
		in := c.Ingress()
		parts = append(parts, in.Serve(s.ingress, s.secure, doors(in.Handler())))
	}
	return app.Run(ctx, c.Log, 25*time.Second, parts...)
}

// local tells commands on this machine where the process is.
func (s *System) local() adminapi.Local {
	l := adminapi.Local{URL: "http://" + s.Address(), Token: s.Token.Reveal(), PID: os.Getpid()}
	if s.ingress != nil {
		l.Ingress = "http://" + s.IngressAddress()
		if s.secure != nil {
			l.Ingress = "https://" + s.IngressAddress()
		}
	}
	return l
}

// doors leads webhooks to their own door, which this version does not have yet: 503 keeps them with Zendesk. Everything
// else is Integration Broker's.
func doors(ib http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.EscapedPath(), "/webhooks/") {
			ib.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "60")
		http.Error(w, "this version of ml-connector does not receive webhooks yet", http.StatusServiceUnavailable)
	})
}

// Close ends broker and store, in that order.
func (s *System) Close(ctx context.Context) {
	if s.listen != nil {
		_ = s.listen.Close()
	}
	if s.ingress != nil {
		_ = s.ingress.Close()
	}
	if s.Core != nil && s.Core.Bus != nil {
		_ = s.Core.Bus.Close()
	}
	if s.server != nil {
		_ = s.server.Shutdown(ctx)
	}
	if s.Core != nil && s.Core.Store != nil {
		_ = s.Core.Store.Close()
	}
}
