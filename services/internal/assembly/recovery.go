package assembly

import (
	"context"
	"encoding/json"
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

// rotate makes a new master key; every tenant's trail tells about it.
func (c *Core) rotate(ctx context.Context, in adminapi.Rotation) (adminapi.Rotated, error) {
	v, ok := c.Keys.(rotator)
	if !ok {
		return adminapi.Rotated{}, fault.New(fault.Config, fault.VaultKey, "this process has no vault")
	}
	out := adminapi.Rotated{Before: v.Fingerprint()}
	n, err := v.RotateFrom(ctx, in.KeyFile, c.Store)
	if err != nil {
		return out, err
	}
	out.After, out.Tenants = v.Fingerprint(), n
	if out.After == out.Before {
		return out, nil
	}
	ids, err := c.Store.SealedTenants(ctx)
	if err != nil {
		return out, err
	}
	for _, t := range ids {
		ref := record.Ref{Kind: "connection", Key: "vault"}
		e := audit.Entry{ID: audit.ID(audit.Operator, ref, 0, "rotate", out.Before, out.After), Ref: ref, At: c.Now(), Stage: audit.Operator, Verb: "rotate",
			Outcome: audit.Finished, Detail: fmt.Sprintf("master key %s in place of %s, by %s", out.After, out.Before, in.By), Cause: "person/" + in.By}
		if err := c.Store.Append(ctx, t, []audit.Entry{e}); err != nil {
			return out, err
		}
	}
	return out, nil
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
