package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
)

func newVerify(c *common) *cobra.Command {
	var known []string
	cmd := &cobra.Command{
		Use:     "verify <tenant>",
		Short:   "Walk along the audit trail's chain and name the first entry that is not as it was sealed",
		Long:    "Walk along the audit trail's chain and name the first entry that is not as it was sealed.\nA trail whose end was cut off, or that was computed anew, shows with a checkpoint from the log: `audit checkpoint`.",
		Example: "  ml-connector audit verify acme --checkpoint 41000:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return runVerify(cmd.Context(), c, args[0], known) },
	}
	cmd.Flags().StringArrayVar(&known, "checkpoint", nil, "position:hash from the log; may be given again")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runVerify(ctx context.Context, c *common, name string, texts []string) error {
	var known []audit.Checkpoint
	for _, text := range texts {
		k, err := audit.ParseCheckpoint(text)
		if err != nil {
			return wrong("copy it from a log line `audit checkpoint`, or from an earlier `ml-connector audit verify`", "--checkpoint: %w", err)
		}
		known = append(known, k)
	}
	t, client, err := c.reach(name)
	if err != nil {
		return err
	}
	v, err := client.VerifyAudit(ctx, t, known)
	if err != nil {
		return err
	}
	if c.json {
		err = c.printJSON(v)
	} else if v.OK {
		fmt.Fprintf(c.out(), "whole: %d entries, %d sealed, %d checkpoints agree\ncheckpoint %s\n", v.Entries, v.Sealed, v.Compared, v.Checkpoint)
	} else {
		fmt.Fprintf(c.out(), "BROKEN at position %d: %s\n", v.Bad, v.Why)
		if e := v.Entry; e != nil {
			fmt.Fprintf(c.out(), "  entry %s of %s, %s %s %s, as it reads now: id %s\n", e.At.Local().Format(time.DateTime), recordOf(e.Kind, e.Key), e.Stage, e.Outcome, e.Verb, e.ID)
		}
		fmt.Fprintf(c.out(), "%d entries before it are as they were sealed\n  next  keep a copy of the database, compare it with a backup, find out who could write to it (docs/runbook/recovery.md)\n", v.Sealed)
	}
	if err == nil && !v.OK {
		err = app.Silent{Code: app.ExitFailed}
	}
	return err
}

func newVault(c *common) *cobra.Command {
	cmd := &cobra.Command{Use: "vault", Short: "The master key that protects credentials", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var in adminapi.Rotation
	rotate := &cobra.Command{
		Use:     "rotate",
		Short:   "Make a new master key and wrap every tenant's data key with it; credentials stay as they are",
		Example: "  ml-connector vault rotate\n  ml-connector vault rotate --key-file /etc/ml-connector/new.key",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			if in.By == "" {
				in.By = actor()
			}
			out, err := client.RotateVault(cmd.Context(), in)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(out)
			}
			fmt.Fprintf(c.out(), "master key %s in place of %s, for %d tenants\n", out.After, out.Before, out.Tenants)
			c.talk("back up the key file now: the old one opens nothing that is sealed from now on")
			return nil
		},
	}
	rotate.Flags().StringVar(&in.KeyFile, "key-file", "", "file with the new key, on the machine of the process; a random key when left out")
	rotate.Flags().StringVar(&in.By, "by", "", "who asks, for the audit trail; the user of this machine when left out")
	rotate.Flags().BoolVar(&c.json, "json", false, "print JSON")
	cmd.AddCommand(rotate)
	return cmd
}
