// Package cli is the command line: one file per command, an options struct, and a run function that takes it. Commands
// talk to a running process through the admin API; data goes to standard output, talk to standard error.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

// Main runs the command line.
func Main(ctx context.Context, env app.Env) error {
	root := newRoot(env)
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	return root.ExecuteContext(ctx)
}

// common is what every command that talks to a process shares.
type common struct {
	env    app.Env
	data   string
	server string
	json   bool
}

func newRoot(env app.Env) *cobra.Command {
	c := &common{env: env}
	root := &cobra.Command{
		Use:           "ml-connector",
		Short:         "Keeps Zendesk users and organizations true to Oracle PeopleSoft",
		Long:          "Keeps Zendesk users and organizations true to Oracle PeopleSoft.\nEvery change is explained and audited. Nothing is ever deleted in Zendesk.\n\nTry it:  ml-connector demo",
		SilenceErrors: true, SilenceUsage: true,
		Version: assembly.Version(),
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return app.InputError{Err: fmt.Errorf("%w\n  next  %s --help", err, cmd.CommandPath())}
	})
	root.PersistentFlags().StringVar(&c.data, "data", "./data", "data folder of the process to talk to")
	root.PersistentFlags().StringVar(&c.server, "server", "", "address of the process to talk to, with its token in MLC_TOKEN; instead of --data")
	root.AddCommand(newDemo(c), newServe(c), newApply(c), newCheck(c), newPlan(c), newSync(c), newStatus(c), newAudit(c), newMissing(c), newHolds(c), newCredential(c), newConnect(c), newIB(c), newReplay(c), newDead(c), newVault(c), newResume(c))
	for _, cmd := range root.Commands() {
		inputErrors(cmd)
	}
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return app.InputError{Err: fmt.Errorf("unknown command %q\n  next  ml-connector --help", args[0])}
		}
		return cmd.Help()
	}
	root.Args = cobra.ArbitraryArgs
	return root
}

// inputErrors marks wrong arguments as the caller's mistake, for the exit code.
func inputErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return app.InputError{Err: fmt.Errorf("%w\n  next  %s --help", err, cmd.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		inputErrors(sub)
	}
}

// client finds the process to talk to.
func (c *common) client() (*adminapi.Client, error) {
	if c.server != "" {
		return adminapi.NewClient(c.server, secret.New(c.env.Getenv("MLC_TOKEN"))), nil
	}
	return adminapi.FindLocal(c.data)
}

func (c *common) out() io.Writer { return c.env.Stdout }

func (c *common) talk(format string, args ...any) { fmt.Fprintf(c.env.Stderr, format+"\n", args...) }

func (c *common) printJSON(v any) error {
	e := json.NewEncoder(c.out())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func parseTenant(s string) (tenant.ID, error) {
	t, err := tenant.Parse(s)
	if err != nil {
		return "", wrong("name it as the tenant file does: `tenant: acme`; `ml-connector status` lists them", "%q: %w", s, err)
	}
	return t, nil
}

// problem is a problem in three lines, as console.md 3.5 has it.
func problem(w io.Writer, mark string, p adminapi.Problem) {
	fmt.Fprintf(w, "%s %s %s", mark, p.Code, strings.TrimSpace(p.Where))
	if p.Since != nil {
		fmt.Fprintf(w, " since %s", p.Since.Local().Format("2006-01-02 15:04:05"))
	}
	fmt.Fprintln(w)
	if p.Detail != "" {
		fmt.Fprintf(w, "    why   %s\n", p.Detail)
	}
	if p.Next != "" {
		fmt.Fprintf(w, "    next  %s\n", p.Next)
	}
}
