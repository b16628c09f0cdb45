package cli

import (
	"context"
	"errors"
	"fmt"
	"github.com/spf13/cobra"
	"io/fs"
	"path/filepath"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/disk"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
)

// serveOptions are the settings of the process itself: the config file, with environment and flags laid over it.
type serveOptions struct{ assembly.File }

func newServe(c *common) *cobra.Command {
	var o serveOptions
	var config string
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Run the whole system in this process, with embedded broker and store",
		Example: "  ml-connector serve --data ./data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.fill(cmd, c, config); err != nil {
				return err
			}
			return serve(cmd.Context(), c.env, o)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "YAML file, see docs/reference/environment.md; environment and flags win")
	cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8080", "operators: admin API under /api/v1, /metrics, /livez, /readyz")
	cmd.Flags().StringVar(&o.Ingress, "ingress", "127.0.0.1:8081", "the outside world: POST /ib/<tenant>, POST /webhooks/zendesk/<tenant>")
	cmd.Flags().StringVar(&o.MinFree, "min-free-disk", "", "room that must stay free where the data is, such as 500MiB or 10%,2GiB, or off: under it nothing new comes in")
	return cmd
}

// fill layers the settings: flag, then environment, then file, then default.
func (o *serveOptions) fill(cmd *cobra.Command, c *common, config string) error {
	file, err := assembly.ReadFile(config)
	if err != nil {
		return err
	}
	pick := func(flag, env, fromFile, current string) string {
		switch {
		case flag != "" && cmd.Flags().Changed(flag):
			return current
		case c.env.Getenv(env) != "":
			return c.env.Getenv(env)
		case fromFile != "":
			return fromFile
		}
		return current
	}
	o.Data = pick("data", "MLC_DATA", file.Data, c.data)
	o.Listen = pick("listen", "MLC_LISTEN", file.Listen, o.Listen)
	o.Ingress = pick("ingress", "MLC_INGRESS", file.Ingress, o.Ingress)
	o.CertFile = pick("", "MLC_INGRESS_CERT_FILE", file.CertFile, "")
	o.CertKey = pick("", "MLC_INGRESS_KEY_FILE", file.CertKey, "")
	o.KeyFile = pick("", "MLC_MASTER_KEY_FILE", file.KeyFile, "")
	o.LogLevel = pick("", "MLC_LOG_LEVEL", file.LogLevel, "")
	o.LogFormat = pick("", "MLC_LOG_FORMAT", file.LogFormat, "")
	o.Public = pick("", "MLC_PUBLIC_URL", file.Public, "")
	o.Database = pick("", "MLC_DATABASE_URL", file.Database, "")
	o.MinFree = pick("min-free-disk", "MLC_MIN_FREE_DISK", file.MinFree, o.MinFree)
	o.Tuning = file.Tuning
	return nil
}

func serve(ctx context.Context, env app.Env, o serveOptions) error {
	log, err := app.Logger(env.Stderr, o.LogLevel, o.LogFormat)
	if err != nil {
		return err
	}
	floor, err := disk.ParseFloor(o.MinFree)
	if err != nil {
		return app.InputError{Err: fmt.Errorf("--min-free-disk: %w", err)}
	}
	sys, err := embedded.Open(ctx, embedded.Options{MinFree: floor, Data: o.Data, Listen: o.Listen, Ingress: o.Ingress, CertFile: o.CertFile, CertKey: o.CertKey, KeyFile: o.KeyFile, Public: o.Public, Database: o.Database,
		Getenv: env.Getenv, Log: log, Tuning: o.Tuning})
	if err != nil {
		return explainFolder(err, o.Data)
	}
	defer sys.Close(context.WithoutCancel(ctx))
	log.Info("ml-connector runs", "listen", sys.Address(), "ingress", o.Ingress, "data", o.Data)
	return sys.Run(ctx)
}

func explainFolder(err error, dir string) error {
	if errors.Is(err, fs.ErrPermission) {
		return &fault.Error{Kind: fault.Config, Code: fault.BadConfig, Detail: "the data folder " + filepath.Clean(dir) + " is not ours to write", Next: "choose another with --data, or change its owner"}
	}
	return err
}
