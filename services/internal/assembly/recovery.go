package assembly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
	"github.com/ml-connector/ml-connector/services/transformer/replay"
)

// Replayer sends ranges through their handler again. It runs wherever the transformer runs.
func (c *Core) Replayer() Role {
	return Role{"replay", func(ctx context.Context, t tenant.ID) error {
		return replay.New(c.Bus, c.Store, c.Log, replay.Options{Look: orDefault(c.Tune.Reload, time.Second), Now: c.Now}).Run(ctx, t)
	}}
}

// unseal opens what the ingress sealed into a dead letter.
func (c *Core) unseal(ctx context.Context, t tenant.ID, id string, original json.RawMessage) ([]byte, error) {
	k, ok := c.Keys.(vault.DataSealer)
	if !ok {
		return nil, fault.New(fault.Config, fault.VaultKey, "this process has no vault")
	}
	return listener.Opened(ctx, k.OpenData, t, id, original)
}

// rotator is what a vault with a key file can do.
type rotator interface {
	RotateFrom(ctx context.Context, file string, holders vault.Holders) (tenants int, err error)
	Fingerprint() string
}

// rotate makes a new master key; every tenant's trail tells about it, before the first key is wrapped and after the
// last: a crash in between leaves the word that it was begun, and the rotation that goes on has its end told.
func (c *Core) rotate(ctx context.Context, in adminapi.Rotation) (adminapi.Rotated, error) {
	v, ok := c.Keys.(rotator)
	if !ok {
		return adminapi.Rotated{}, fault.New(fault.Config, fault.VaultKey, "this process has no vault")
	}
	out := adminapi.Rotated{Before: v.Fingerprint()}
	begun := c.Now()
	if err := c.tellRotation(ctx, begun, audit.Started, "a new master key in place of "+out.Before+", by "+in.By, in.By); err != nil {
		return out, err
	}
	n, err := v.RotateFrom(ctx, in.KeyFile, c.Store)
	if err != nil {
		why := "the rotation did not end: " + string(fault.CodeOf(err)) + ", by " + in.By
		return out, errors.Join(err, c.tellRotation(context.WithoutCancel(ctx), begun, audit.Failed, why, in.By))
	}
	out.After, out.Tenants = v.Fingerprint(), n
	text := fmt.Sprintf("master key %s in place of %s, by %s", out.After, out.Before, in.By)
	if out.After == out.Before {
		text = fmt.Sprintf("master key %s was in force before, asked by %s", out.After, in.By)
	}
	return out, c.tellRotation(ctx, begun, audit.Finished, text, in.By)
}

// tellRotation writes one entry into the trail of each tenant that has keys.
func (c *Core) tellRotation(ctx context.Context, begun time.Time, outcome audit.Outcome, text, by string) error {
	ids, err := c.Store.SealedTenants(ctx)
	if err != nil {
		return err
	}
	ref := record.Ref{Kind: "connection", Key: "vault"}
	for _, t := range ids {
		e := audit.Entry{ID: audit.ID(audit.Operator, ref, 0, "rotate", begun.UTC().Format(time.RFC3339Nano), string(outcome)), Ref: ref, At: c.Now(), Stage: audit.Operator,
			Verb: "rotate", Outcome: outcome, Detail: text, Cause: "person/" + by}
		if err := c.Store.Append(ctx, t, []audit.Entry{e}); err != nil {
			return err
		}
	}
	return nil
}

const (
	keyWord = 20 * time.Second // how long a process's word about its keys counts
	keyTell = 3 * time.Second
)

// TellKeys says again and again which master keys this process can read, so that a rotation waits for it.
func (c *Core) TellKeys() app.Component {
	return app.Component{Name: "key holder", Run: func(ctx context.Context) error {
		v, ok := c.Keys.(interface {
			Readable(context.Context) ([]string, error)
		})
		host, _ := os.Hostname()
		process := fmt.Sprintf("%s/%d/%.8s", host, os.Getpid(), uuid.NewString())
		tick := time.NewTicker(keyTell)
		defer tick.Stop()
		for ok && ctx.Err() == nil {
			keys, err := v.Readable(ctx)
			if err == nil {
				err = c.Store.HoldKeys(ctx, process, keys, keyWord)
			}
			if err != nil && ctx.Err() == nil {
				c.Log.Warn("keys not told", "err", err)
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTell)
		defer cancel()
		return c.Store.EndKeys(end, process)
	}}
}
