package assembly

import (
	"context"
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
	NATS, Database, KeyFile string
	Monitor                 string // the broker's monitoring address, to see whether it syncs
	Replicas                int
	Unsynced                bool // go on with a broker that acknowledges before it syncs
	Listen, Ingress         string
	TokenFile               string
	Log                     *slog.Logger
}

// FromEnv reads the surroundings of a single service from its environment.
func FromEnv(env app.Env) (Surroundings, error) {
	log, err := app.Logger(env.Stderr, env.Getenv("MLC_LOG_LEVEL"), env.Getenv("MLC_LOG_FORMAT"))
	if err != nil {
		return Surroundings{}, err
	}
	s := Surroundings{NATS: env.Getenv("MLC_NATS_URL"), Database: env.Getenv("MLC_DATABASE_URL"), KeyFile: env.Getenv("MLC_MASTER_KEY_FILE"),
		Monitor: env.Getenv("MLC_NATS_MONITOR_URL"), Unsynced: env.Getenv("MLC_ALLOW_UNSYNCED_BROKER") == "true",
		Listen: env.Getenv("MLC_LISTEN"), Ingress: env.Getenv("MLC_INGRESS"), TokenFile: env.Getenv("MLC_ADMIN_TOKEN_FILE"), Log: log, Replicas: 1}
	if r := env.Getenv("MLC_NATS_REPLICAS"); r != "" {
		if s.Replicas, err = strconv.Atoi(r); err != nil || s.Replicas < 1 || s.Replicas > 5 {
			return s, app.InputError{Err: fmt.Errorf("MLC_NATS_REPLICAS: want 1 to 5, got %q", r)}
		}
	}
	for name, value := range map[string]string{"MLC_NATS_URL": s.NATS, "MLC_DATABASE_URL": s.Database, "MLC_MASTER_KEY_FILE": s.KeyFile} {
		if value == "" {
			return s, app.InputError{Err: fmt.Errorf("%s is not set: a single service needs MLC_NATS_URL, MLC_DATABASE_URL and MLC_MASTER_KEY_FILE; everything in one process is `ml-connector serve --data DIR`", name)}
		}
	}
	return s, nil
}

// Connect opens broker, database and vault of a single service. The master key file must be there already: replicas
// share one, and only `ml-connector vault init` or the first all-in-one start makes it.
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
	b, err := natsbus.Connect(ctx, natsbus.Options{URL: s.NATS, Name: name, MonitorURL: s.Monitor, Replicas: s.Replicas, AllowUnsynced: s.Unsynced, Logger: s.Log})
	if err != nil {
		_ = st.Close()
		return nil, nil, err
	}
	core := &Core{Store: st, Bus: b, Keys: keys, Log: s.Log.With("service", name), Now: time.Now}
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
		parts := []app.Component{core.Component(roles(core)...)}
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
		health := app.NewHealth(draining.Load, app.Check{Name: "store", Run: c.Store.Ping}, app.Check{Name: "broker", Run: c.Bus.Healthy})
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
