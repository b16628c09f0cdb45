// Command sim-zendesk is a Zendesk account that exists only on this machine, for development, demos and tests.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := zendesk.Command(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(code)
}
