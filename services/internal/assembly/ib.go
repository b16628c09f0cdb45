package assembly

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft/ib"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

// Ingress is what the outside world reaches: POST /ib/<tenant>.
type Ingress struct {
	core    *Core
	doors   *listener.Doors
	handler *listener.Handler
}

// Ingress makes the ingress. It answers 503 until Run has read the settings.
func (c *Core) Ingress() *Ingress {
	doors := &listener.Doors{}
	o := listener.Options{Now: c.Now, Counted: c.answers.add, Log: c.Log.With("component", "ib-listener"), Form: func(ok bool, detail string) (string, []byte) { return ib.Answer(nil, ok, detail) }}
	return &Ingress{c, doors, listener.New(doors, c.intake(), c.sealData(), o)}
}

// Handler answers everything on the ingress. Paths of nobody are 403.
func (i *Ingress) Handler() http.Handler { return i.handler }

// Serve is Run and next, or Handler where next is nil, on l.
// secure is nil for plain HTTP.
func (i *Ingress) Serve(l net.Listener, secure *tls.Config, next http.Handler) app.Component {
	if next == nil {
		next = i.handler
	}
	return app.Component{Name: "ingress", Run: func(ctx context.Context) error {
		go i.run(ctx)
		return listener.Serve(ctx, l, secure, i.handler, next)
	}}
}

// run keeps the doors true to settings and credentials until ctx ends. While they cannot be read, those in force stay.
func (i *Ingress) run(ctx context.Context) {
	tick := time.NewTicker(orDefault(i.core.Tune.Reload, time.Second))
	defer tick.Stop()
	prints, doors, told := map[tenant.ID]string{}, map[tenant.ID]*listener.Door{}, ""
	for {
		err := i.reload(ctx, prints, doors)
		if text := fmt.Sprint(err); err != nil && text != told && ctx.Err() == nil { // once, and not every second
			i.core.Log.Error("ingress not open", "fault", fault.CodeOf(err), "err", err)
		}
		told = fmt.Sprint(err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reload opens anew the doors whose settings or credentials changed. A tenant whose door cannot be opened has one that
// is shut: its messages stay in PeopleSoft's queue until somebody has repaired what the log names.
func (i *Ingress) reload(ctx context.Context, prints map[tenant.ID]string, doors map[tenant.ID]*listener.Door) error {
	ids, err := i.core.Store.TenantIDs(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range ids {
		print, err := i.core.fingerprint(ctx, t)
		if err == nil && prints[t] == print {
			continue
		}
		var d *listener.Door
		if err == nil {
			d, err = i.core.door(ctx, t)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("ingress of %s: %w", t, err))
			if doors[t] == nil || fault.KindOf(err) != fault.Transient { // what can be read no more is obeyed no more
				doors[t], prints[t] = &listener.Door{Tenant: t, Shut: true}, ""
			}
			continue
		}
		prints[t], doors[t] = print, d
	}
	open := maps.Clone(doors)
	maps.DeleteFunc(open, func(t tenant.ID, d *listener.Door) bool { return d == nil || !slices.Contains(ids, t) })
	i.doors.Set(open)
	return errors.Join(errs...)
}

// door is the tenant's door by its present settings; nil when it has none.
func (c *Core) door(ctx context.Context, t tenant.ID) (*listener.Door, error) {
	s, _, err := c.Settings(ctx, t)
	if err != nil || s.PeopleSoft.IB == nil {
		return nil, err
	}
	if err := c.Prepare(ctx, t); err != nil {
		return nil, err
	}
	set := s.PeopleSoft.IB
	d := &listener.Door{Tenant: t, Nodes: texts(set.Nodes), Open: opener(s), MaxBody: int64(set.MaxBody), Strict: set.Strict}
	if d.Access, err = c.access(ctx, t, set); err != nil {
		return nil, err
	}
	return d, nil
}

func (c *Core) access(ctx context.Context, t tenant.ID, set *config.IB) (listener.Access, error) {
	a := set.Auth
	out := listener.Access{Sources: prefixes(set.Sources), Proxies: prefixes(set.Proxies)}
	var err error
	if a.Basic != nil {
		out.Basic = &listener.Basic{User: string(a.Basic.Username)}
		if out.Basic.Password, err = c.Keys.Open(ctx, t, vault.IBPassword); err != nil {
			return out, err
		}
	}
	if a.Header != nil {
		out.Header = &listener.Header{Name: string(a.Header.Name)}
		if out.Header.Value, err = c.Keys.Open(ctx, t, vault.IBHeader); err != nil {
			return out, err
		}
	}
	if a.NodePassword != nil {
		if out.NodePassword, err = c.Keys.Open(ctx, t, vault.IBNodePassword); err != nil {
			return out, err
		}
	}
	if a.MTLS != nil {
		out.CertHeader = string(a.MTLS.ProxyHeader)
		for _, f := range a.MTLS.Fingerprints {
			if print, ok := listener.ParseFingerprint(string(f)); ok {
				out.Certificates = append(out.Certificates, print)
			}
		}
	}
	return out, nil
}

func prefixes(list []config.CIDR) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, c := range list {
		out[i] = c.Prefix()
	}
	return out
}

// opener understands the tenant's messages: the catalog of formats.
func opener(s config.Tenant) listener.Open {
	set := s.PeopleSoft.IB
	opt := ib.Options{Zone: s.Zone(), Aliases: names(set.Aliases), Records: names(set.Records), Fields: names(set.Fields), Limits: ib.DefaultLimits()}
	opt.Limits.Body = max(opt.Limits.Body, int64(set.MaxBody))
	return func(d listener.Delivery) (listener.Message, error) {
		m, err := ib.Open(ib.Delivery(d), opt)
		if err != nil {
			return listener.Message{Answer: func(ok bool, detail string) (string, []byte) { return ib.Answer(m, ok, detail) }}, err
		}
		return message(m), nil
	}
}

func names[K, V ~string](m map[K]V) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[string(k)] = string(v)
	}
	return out
}

func message(m *ib.Message) listener.Message {
	return listener.Message{Format: m.Format.String(), Name: m.Name, From: m.From, Transaction: m.Transaction, Sent: m.Sent, Chunk: m.Chunk, Chunks: m.Chunks,
		Ping: m.Ping, NodePassword: m.Password, User: m.User, UserPassword: m.UserPassword,
		Each: func(yield func(source.Record) error) (listener.Counts, error) {
			if !slices.Contains(ib.Known(), m.Name) {
				return listener.Counts{}, &fault.Error{Kind: fault.Invalid, Code: fault.SourceNotSupported, Detail: fmt.Sprintf("no message of this name is understood: %.60q", m.Name),
					Next: "map a site's alias under peoplesoft.ib.aliases, or take the routing to this node out of service"}
			}
			st, err := m.Each(yield)
			return listener.Counts{Transactions: st.Transactions, Rows: st.Rows, Records: st.Records, Ignored: st.Ignored, Header: st.HeaderOnly,
				Trailer: st.TrailerOnly, Notes: append(slices.Clip(m.Notes), st.Notes...)}, err
		},
		Answer: func(ok bool, detail string) (string, []byte) { return ib.Answer(m, ok, detail) }}
}

// sealData seals bytes through the vault.
func (c *Core) sealData() listener.Seal {
	k, ok := c.Keys.(vault.DataSealer)
	if !ok {
		return nil
	}
	return k.SealData
}

// IngressTLS is how the ingress speaks TLS; nil when no files are named. The files are read again with each connection,
// so that a renewed certificate needs no restart. Clients are asked for a certificate; who they are is decided by its
// fingerprint, not by who issued it.
func IngressTLS(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	load := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		return &pair, err
	}
	if _, err := load(nil); err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "certificate of the ingress")
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, GetCertificate: load}, nil
}

// Listener is the main of the ib-listener service.
func Listener(ctx context.Context, env app.Env) error {
	s, err := FromEnv(env)
	if err != nil {
		return err
	}
	if s.Ingress == "" {
		return app.InputError{Err: errors.New("MLC_INGRESS must be set: where PeopleSoft finds this service, for example 0.0.0.0:8081")}
	}
	secure, err := IngressTLS(s.CertFile, s.CertKey)
	if err != nil {
		return err
	}
	core, end, err := connectPatiently(ctx, "ib-listener", s)
	if err != nil {
		return err
	}
	defer end()
	l, err := net.Listen("tcp", s.Ingress)
	if err != nil {
		return fault.Wrap(err, fault.Config, fault.BadConfig, "MLC_INGRESS")
	}
	parts := []app.Component{core.TellKeys(), core.Ingress().Serve(l, secure, nil)}
	if s.Listen != "" {
		o, err := net.Listen("tcp", s.Listen)
		if err != nil {
			return fault.Wrap(err, fault.Config, fault.BadConfig, "MLC_LISTEN")
		}
		parts = append(parts, core.Operations(o))
	}
	core.Log.Info("service runs", "listen", s.Listen, "ingress", s.Ingress)
	return app.Run(ctx, core.Log, grace, parts...)
}
