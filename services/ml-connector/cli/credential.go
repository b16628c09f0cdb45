package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

func newCredential(c *common) *cobra.Command {
	cmd := &cobra.Command{Use: "credential", Short: "Credentials go in and never come back out"}
	var file string
	set := &cobra.Command{
		Use:     "set <tenant> <purpose>",
		Short:   "Seal a credential from standard input or a file, never from an argument",
		Example: "  ml-connector credential set acme peoplesoft.hcm.password < password.txt",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return setCredential(cmd.Context(), c, args[0], args[1], file)
		},
	}
	set.Flags().StringVar(&file, "from-file", "", "read the value from this file in place of standard input")
	cmd.AddCommand(set)
	return cmd
}

func setCredential(ctx context.Context, c *common, name, purpose, file string) error {
	t, err := parseTenant(name)
	if err != nil {
		return err
	}
	var b []byte
	if file != "" {
		b, err = os.ReadFile(file)
	} else {
		b, err = io.ReadAll(io.LimitReader(c.env.Stdin, 64<<10))
	}
	if err != nil {
		return app.InputError{Err: err}
	}
	value := strings.TrimRight(string(b), "\r\n")
	if value == "" {
		return app.InputError{Err: errors.New("the value is empty\n  next  give it on standard input or with --from-file FILE")}
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.SetCredential(ctx, t, purpose, secret.New(value), actor()); err != nil {
		return err
	}
	fmt.Fprintf(c.out(), "%s of %s sealed\n", purpose, t)
	c.talk("whatever waited for it is tried at once; next: ml-connector check %s", t)
	return nil
}
