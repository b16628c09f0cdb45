package assembly

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store/pgstore"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

// Surroundings is how a single service is told where everything is (design.md 8).
type Surroundings struct {
	File
	Log *slog.Logger
}

// FromEnv reads the surroundings of a single service: environment before config file.
func FromEnv(env app.Env) (Surroundings, error) {
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(env.Stderr)
	path := flags.String("config", "", "YAML file with the keys of docs/reference/environment.md")
	if err := flags.Parse(env.Args); err != nil {
		return Surroundings{}, app.InputError{Err: err}
	}
	f, err := ReadFile(*path)
	if err != nil {
		return Surroundings{}, err
	}
	for name, into := range map[string]*string{"MLC_NATS_URL": &f.NATS, "MLC_DATABASE_URL": &f.Database, "MLC_MASTER_KEY_FILE": &f.KeyFile,
		"MLC_NATS_MONITOR_URL": &f.Monitor, "MLC_LISTEN": &f.Listen, "MLC_PUBLIC_URL": &f.Public, "MLC_INGRESS": &f.Ingress, "MLC_INGRESS_CERT_FILE": &f.CertFile, "MLC_INGRESS_KEY_FILE": &f.CertKey, "MLC_ADMIN_TOKEN_FILE": &f.TokenFile,
		"MLC_LOG_LEVEL": &f.LogLevel, "MLC_LOG_FORMAT": &f.LogFormat} {
		if v := env.Getenv(name); v != "" {
			*into = v
		}
	}
	f.Unsynced = f.Unsynced || env.Getenv("MLC_ALLOW_UNSYNCED_BROKER") == "true"
	if r := env.Getenv("MLC_NATS_REPLICAS"); r != "" {
		if f.Replicas, err = strconv.Atoi(r); err != nil {
			return Surroundings{}, app.InputError{Err: fmt.Errorf("MLC_NATS_REPLICAS: want 1 to 5, got %q", r)}
		}
	}
	if f.Replicas < 0 || f.Replicas > 5 {
		return Surroundings{}, app.InputError{Err: fmt.Errorf("replicas: want 1 to 5, got %d", f.Replicas)}
	}
	log, err := app.Logger(env.Stderr, f.LogLevel, f.LogFormat)
	if err != nil {
		return Surroundings{}, err
	}
	if f.NATS == "" || f.Database == "" || f.KeyFile == "" {
		return Surroundings{}, app.InputError{Err: errors.New("a single service needs MLC_NATS_URL, MLC_DATABASE_URL and MLC_MASTER_KEY_FILE (or nats_url, database_url and master_key_file in --config); everything in one process is `ml-connector serve --data DIR`")}
	}
	return Surroundings{f, log}, nil
}

// Connect opens broker, database and vault of a single service. All replicas share one master key file; the first
// process on an empty database makes it when it is missing.
func Connect(ctx context.Context, name string, s Surroundings) (*Core, func(), error) {
	st, err := pgstore.Open(ctx, s.Database)
	if err != nil {
		return nil, nil, err
	}
	keys, err := vault.Open(ctx, vault.Options{KeyFile: s.KeyFile, Create: true}, st)
	if err != nil {
		_ = st.Close()
		return nil, nil, err
	}
	b, err := natsbus.Connect(ctx, natsbus.Options{URL: s.NATS, Name: name, MonitorURL: s.Monitor, Replicas: s.Replicas,
		AllowUnsynced: s.Unsynced, Logger: s.Log, AckWait: s.Tuning.AckWait, PinnedTTL: s.Tuning.PinnedTTL, Backoff: s.Tuning.Backoff()})
	if err != nil {
		_ = st.Close()
		return nil, nil, err
	}
	core := &Core{Store: st, Bus: b, Keys: keys, Log: s.Log.With("service", name), Now: time.Now, Tune: s.Tuning.Tune()}
	return core, func() { _ = b.Close(); _ = st.Close() }, nil
}

// grace is how long components may take to stop (failures.md I15).
const grace = 25 * time.Second

// Service is the main of a single-service program.
func Service(name string, roles func(*Core) []Role) func(context.Context, app.Env) error {
	return func(ctx context.Context, env app.Env) error {
		s, err := FromEnv(env)
		if err != nil {
			return err
		}
		core, end, err := connectPatiently(ctx, name, s)
		if err != nil {
			return err
		}
		defer end()
		parts := []app.Component{core.TellKeys(), core.Component(roles(core)...)}
		if s.Listen != "" {
			l, err := net.Listen("tcp", s.Listen)
			if err != nil {
				return fault.Wrap(err, fault.Config, fault.BadConfig, "MLC_LISTEN")
			}
			parts = append(parts, core.Operations(l))
		}
		core.Log.Info("service runs", "listen", s.Listen)
		return app.Run(ctx, core.Log, grace, parts...)
	}
}

// connectPatiently waits for broker and database to come up: services start in any order.
func connectPatiently(ctx context.Context, name string, s Surroundings) (*Core, func(), error) {
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		core, end, err := Connect(ctx, name, s)
		if err == nil || fault.KindOf(err) != fault.Transient || ctx.Err() != nil {
			return core, end, err
		}
		s.Log.Warn("waiting for what this service needs", "service", name, "fault", fault.CodeOf(err), "err", err, "wait_ms", pause.Milliseconds())
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Operations serves /livez, /readyz and /metrics.
func (c *Core) Operations(l net.Listener, more ...func(*http.ServeMux)) app.Component {
	return app.Component{Name: "operations", Run: func(ctx context.Context) error {
		var draining atomic.Bool
		context.AfterFunc(ctx, func() { draining.Store(true) })
		health := app.NewHealth(draining.Load, c.checks()...)
		if err := health.Register(newMeter(c)); err != nil {
			return err
		}
		mux := http.NewServeMux()
		health.Routes(mux)
		for _, add := range more {
			add(mux)
		}
		return app.Serve(ctx, l, mux)
	}}
}
