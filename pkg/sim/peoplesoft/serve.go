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
	"strings"
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
	listen, o, ib, err := arguments(args, problems)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(problems, "sim-peoplesoft:", err)
		return 2
	}
	if err := run(ctx, listen, o, ib, out); err != nil {
		fmt.Fprintln(problems, "sim-peoplesoft:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, listen string, o Options, ib NodeOptions, out io.Writer) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	s := New(o)
	if ib.URL != "" {
		if err := s.Node(ib); err != nil {
			return err
		}
	}
	sender, stopSender := context.WithCancel(ctx)
	defer stopSender()
	go s.sendWhenReady(sender)
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
func arguments(args []string, problems io.Writer) (listen string, o Options, ib NodeOptions, err error) {
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
	format := senderFlags(f, &ib)
	zone := f.String("zone", "America/Chicago", "time zone of the database")
	rows := f.String("rows", string(Current), "rows the employee query shows: current, history or all")
	if err := f.Parse(args); err != nil {
		return "", o, ib, err
	}
	if f.NArg() > 0 {
		return "", o, ib, fmt.Errorf("argument %q: not expected", f.Arg(0))
	}
	if o.Zone, err = time.LoadLocation(*zone); err != nil {
		return "", o, ib, fmt.Errorf("-zone %q: %w", *zone, err)
	}
	ib.Wires = strings.Split(*format, ",")
	o.Rows = Rows(*rows)
	if o.Rows != Current && o.Rows != History && o.Rows != All {
		return "", o, ib, fmt.Errorf("-rows %q: want current, history or all", *rows)
	}
	return listen, o, ib, nil
}

// senderFlags are the flags of the Integration Broker sender.
func senderFlags(f *flag.FlagSet, ib *NodeOptions) (format *string) {
	f.StringVar(&ib.URL, "ib-url", "", "send Integration Broker messages to this URL; empty: none until POST /_sim/ib/node")
	f.StringVar(&ib.User, "ib-user", "", "Basic user of the messages")
	f.StringVar(&ib.Password, "ib-password", "", "Basic password of the messages")
	f.StringVar(&ib.NodePassword, "ib-node-password", "", "password of the sending node")
	f.Float64Var(&ib.Duplicate, "ib-duplicate", 0, "share of messages sent twice, 0 to 1")
	f.Float64Var(&ib.Reorder, "ib-reorder", 0, "share of messages that leave after the next one, 0 to 1")
	return f.String("ib-format", "bare", "wire formats, taken in turn, for example bare,soap11+gzip; GET /_sim/ib/formats lists them")
}

// sendWhenReady runs the sender as soon as there is a node.
func (s *Sim) sendWhenReady(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !s.out.ready() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	_ = s.RunSender(ctx) // fails without a node only
}
