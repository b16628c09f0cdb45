package peoplesoft

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// Main runs the program sim-peoplesoft until SIGINT or SIGTERM and returns its exit code: 0 ended in order,
// 1 failed, 2 wrong arguments.
func Main(args []string, out, problems io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return Serve(ctx, args, out, problems)
}

// Serve is Main that ends with ctx. It prints "sim-peoplesoft on http://ADDRESS…" once it accepts connections.
func Serve(ctx context.Context, args []string, out, problems io.Writer) int {
	listen, o, err := arguments(args, problems)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(problems, "sim-peoplesoft:", err)
		return 2
	}
	if err := run(ctx, listen, o, out); err != nil {
		fmt.Fprintln(problems, "sim-peoplesoft:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, listen string, o Options, out io.Writer) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	s := New(o)
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil { // somebody drips: close at once
			stopped <- server.Close()
			return
		}
		stopped <- nil
	}()
	fmt.Fprintf(out, "sim-peoplesoft on http://%s%s node %s (%d employees) and %s (%d vendors), control under /_sim/\n",
		listener.Addr(), s.opt.Prefix, s.opt.Node, s.opt.Employees, s.opt.VendorNode, s.opt.Vendors)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// arguments reads the flags.
func arguments(args []string, problems io.Writer) (listen string, o Options, err error) {
	f := flag.NewFlagSet("sim-peoplesoft", flag.ContinueOnError)
	f.SetOutput(problems)
	f.StringVar(&listen, "listen", "127.0.0.1:8090", "address to listen on")
	f.Uint64Var(&o.Seed, "seed", 1, "same seed, same company")
	f.IntVar(&o.Employees, "employees", 250, "number of employees; negative: none")
	f.IntVar(&o.Vendors, "vendors", 40, "number of vendors; negative: none")
	f.StringVar(&o.User, "user", "MLCONN", "Basic user; empty: no Basic authentication")
	f.StringVar(&o.Password, "password", "simulator", "Basic password")
	f.IntVar(&o.LockAfter, "lock-after", 0, "bad passwords until the account is locked; 0: never")
	f.StringVar(&o.Node, "node", "PSFT_HR", "node of the employee query")
	f.StringVar(&o.VendorNode, "vendor-node", "PSFT_EP", "node of the vendor query")
	f.StringVar(&o.Prefix, "prefix", "", "path before /PSIGW, for example /hr")
	f.StringVar(&o.OAuth.ClientID, "client-id", "", "OAuth2 client; empty: no OAuth2")
	f.StringVar(&o.OAuth.ClientSecret, "client-secret", "", "OAuth2 client secret")
	f.StringVar(&o.OAuth.Audience, "audience", "", "OAuth2 audience a token request must carry")
	f.DurationVar(&o.OAuth.Life, "token-life", time.Hour, "life of an OAuth2 token")
	f.IntVar(&o.Cap, "cap", 0, "rows the server answers at most; 0: no cap")
	zone := f.String("zone", "America/Chicago", "time zone of the database")
	rows := f.String("rows", string(Current), "rows the employee query shows: current, history or all")
	if err := f.Parse(args); err != nil {
		return "", o, err
	}
	if f.NArg() > 0 {
		return "", o, fmt.Errorf("argument %q: not expected", f.Arg(0))
	}
	if o.Zone, err = time.LoadLocation(*zone); err != nil {
		return "", o, fmt.Errorf("-zone %q: %w", *zone, err)
	}
	o.Rows = Rows(*rows)
	if o.Rows != Current && o.Rows != History && o.Rows != All {
		return "", o, fmt.Errorf("-rows %q: want current, history or all", *rows)
	}
	return listen, o, nil
}
