package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type connectOptions struct {
	*common
	tenant string
	noWait bool
}

func newConnect(c *common) *cobra.Command {
	o := connectOptions{common: c}
	cmd := &cobra.Command{
		Use:   "connect <tenant>",
		Short: "Connect a Zendesk account that is used by consent, or connect it again",
		Long: "Prints the address that somebody opens to sign in to Zendesk as an admin and to consent, and waits until that has\n" +
			"happened. For tenants with zendesk.auth.authorization_code.",
		Example: "  ml-connector connect acme",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			return runConnect(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.noWait, "no-wait", false, "print the address and end")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runConnect(ctx context.Context, o connectOptions) error {
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	ask, err := client.Connect(ctx, t, actor())
	if err != nil {
		return err
	}
	if o.json && o.noWait {
		return o.printJSON(ask)
	}
	o.talk("open this address in a browser, sign in to Zendesk as an admin, and consent (good until %s):\n%s", ask.Until.Local().Format("15:04:05"), ask.URL)
	if o.noWait {
		return nil
	}
	got, failed, err := awaitConsent(ctx, client, t, ask)
	switch {
	case err != nil:
		return fmt.Errorf("nobody consented in time: %w", err)
	case failed != nil:
		problem(o.out(), "✗", *failed)
		return app.Silent{Code: app.ExitOutside}
	case o.json:
		return o.printJSON(got)
	}
	fmt.Fprintf(o.out(), "%s is connected to %s with the scopes %s\n", t, got.Account, strings.Join(got.Scopes, " "))
	return nil
}

// awaitConsent waits until somebody has consented, a consent was of no use, or the time is over.
func awaitConsent(ctx context.Context, client *adminapi.Client, t tenant.ID, ask adminapi.Connecting) (adminapi.Connection, *adminapi.Problem, error) {
	ctx, cancel := context.WithDeadline(ctx, ask.Until)
	defer cancel()
	for {
		now, err := client.Connection(ctx, t)
		switch {
		case err != nil || now.Consents > ask.Consents:
			return now, nil, err
		case now.Tried != nil && now.Tried.Since != nil && now.Tried.Since.After(ask.Asked):
			return now, now.Tried, nil
		}
		if err := nap(ctx, askEvery); err != nil {
			return now, nil, err
		}
	}
}
