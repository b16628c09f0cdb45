package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

type applyOptions struct {
	*common
	file string
}

func newApply(c *common) *cobra.Command {
	o := applyOptions{common: c}
	cmd := &cobra.Command{
		Use:     "apply -f tenant.yaml",
		Short:   "Create or change a tenant; prints the difference",
		Example: "  ACME_PS_PASSWORD=… ml-connector apply -f tenant.yaml --data ./data",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return apply(cmd.Context(), o) },
	}
	cmd.Flags().StringVarP(&o.file, "file", "f", "", "the tenant file; - reads standard input")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("file")
	return cmd
}

// apply checks the file here first, so that its problems show without a running process, and resolves env: and file:
// references in this environment; the process tries its own for what is left.
func apply(ctx context.Context, o applyOptions) error {
	text, err := o.read()
	if err != nil {
		return app.InputError{Err: err}
	}
	file, problems := config.Decode(o.file, text)
	if len(problems) > 0 {
		return app.InputError{Err: fmt.Errorf("CFG_INVALID: %d problems, nothing was applied\n%w", len(problems), problems)}
	}
	client, err := o.client()
	if err != nil {
		return err
	}
	in := adminapi.Apply{Name: o.file, File: string(text), Values: values(file, assembly.Lookup(o.env.Getenv)), Actor: actor()}
	done, err := client.Apply(ctx, in)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(done)
	}
	for _, a := range done {
		o.print(a)
	}
	return nil
}

func (o applyOptions) read() ([]byte, error) {
	if o.file == "-" {
		return io.ReadAll(io.LimitReader(o.env.Stdin, config.MaxSize+1))
	}
	return os.ReadFile(o.file)
}

func (o applyOptions) print(a adminapi.Applied) {
	word := "changed"
	switch {
	case a.Created:
		word = "created"
	case len(a.Changes) == 0 && len(a.Secrets) == 0:
		word = "unchanged"
	}
	fmt.Fprintf(o.out(), "tenant %s %s, settings version %d\n", a.Tenant, word, a.Version)
	for _, ch := range a.Changes {
		switch {
		case ch.Before == "":
			fmt.Fprintf(o.out(), "  + %s: %s\n", ch.Field, ch.After)
		case ch.After == "":
			fmt.Fprintf(o.out(), "  - %s: %s\n", ch.Field, ch.Before)
		default:
			fmt.Fprintf(o.out(), "  ~ %s: %s -> %s\n", ch.Field, ch.Before, ch.After)
		}
	}
	for _, p := range a.Secrets {
		fmt.Fprintf(o.out(), "  * %s sealed\n", p)
	}
	for _, p := range a.Missing {
		fmt.Fprintf(o.out(), "  ! %s has no value: ml-connector credential set %s %s\n", p, a.Tenant, p)
	}
	fmt.Fprintf(o.out(), "next: ml-connector check %s\n", a.Tenant)
}

// values resolves what can be resolved here.
func values(f config.File, l config.Lookup) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, t := range f.Tenants {
		m := map[string]string{}
		for _, ref := range t.Secrets() {
			if v, err := ref.Resolve(l); err == nil {
				m[string(ref.Purpose)] = v.Reveal()
			}
		}
		out[string(t.Tenant())] = m
	}
	return out
}

func actor() string {
	u, err := user.Current()
	if err != nil {
		return "cli"
	}
	return strings.TrimSpace(u.Username)
}
