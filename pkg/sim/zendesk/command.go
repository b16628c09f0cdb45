package zendesk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Command runs the simulator as a program until ctx ends, then lets running calls finish for up to five seconds.
// It prints "listening on http://ADDRESS" to out; the result is an exit code: 0 ended, 1 failed, 2 wrong flags.
func Command(ctx context.Context, args []string, out io.Writer) int {
	flags := flag.NewFlagSet("sim-zendesk", flag.ContinueOnError)
	flags.SetOutput(out)
	listen := flags.String("listen", "127.0.0.1:8091", "address to listen on; port 0 picks a free one")
	rpm := flags.Int("rpm", 0, "requests per minute of the account, 0 = unlimited")
	gate := flags.Bool("gate", false, "bulk user import is switched off (403)")
	duration := flags.Duration("job-duration", 20*time.Millisecond, "time that a bulk job takes")
	seed := flags.Uint64("seed", 0, "seed of everything random")
	people := flags.Int("seed-users", 0, "employees that exist at the start")
	hooks := flags.Duration("webhooks", time.Second, "pause between webhook deliveries, 0 = only by POST /_sim/webhooks/deliver")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	sim := New(Options{
		Seed: *seed, RequestsPerMinute: *rpm, ImportGate: *gate,
		JobDuration: func(int) time.Duration { return *duration },
	})
	sim.SeedUsers(*people)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		fmt.Fprintln(out, "sim-zendesk:", err)
		return 1
	}
	fmt.Fprintln(out, "listening on http://"+l.Addr().String())
	if err := sim.run(ctx, l, *hooks); err != nil {
		fmt.Fprintln(out, "sim-zendesk:", err)
		return 1
	}
	return 0
}

func (s *Sim) run(ctx context.Context, l net.Listener, hooks time.Duration) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	if hooks <= 0 {
		hooks = 24 * 365 * time.Hour
	}
	tick := time.NewTicker(hooks)
	defer tick.Stop()
	for {
		select {
		case err := <-failed:
			return err
		case <-tick.C:
			s.DeliverWebhooks(ctx, nil)
		case <-ctx.Done():
			return stop(context.WithoutCancel(ctx), server)
		}
	}
}

func stop(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
