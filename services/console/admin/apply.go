package admin

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

func (a *API) apply(r *http.Request) (any, error) {
	var in adminapi.Apply
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	return a.Apply(r.Context(), in)
}

// Apply creates or changes every tenant of the file, or none when the file has a problem. Secrets are sealed before
// the settings that use them are stored, so that a crash between leaves nothing that cannot work.
func (a *API) Apply(ctx context.Context, in adminapi.Apply) ([]adminapi.Applied, error) {
	file, problems := config.Decode(in.Name, []byte(in.File))
	if err := problems.Err(); err != nil {
		return nil, err
	}
	out := make([]adminapi.Applied, 0, len(file.Tenants))
	if err := a.ownAccounts(ctx, file.Tenants); err != nil {
		return nil, err
	}
	for _, t := range file.Tenants {
		one, err := a.applyOne(ctx, t, in)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// ownAccounts refuses two tenants that write one Zendesk account: they would take each other's users for their own, by
// the same external ids, and suspend each other's leavers. One that only observes harms nobody.
func (a *API) ownAccounts(ctx context.Context, file []config.Tenant) error {
	owner := map[string]tenant.ID{}
	free := func(t config.Tenant) error {
		account := accountOf(t)
		if other, taken := owner[account]; taken && t.Mode != config.Observe {
			return &fault.Error{Kind: fault.Config, Code: fault.BadConfig, Detail: "zendesk.base_url: " + account + " is written for the tenants " + string(other) + " and " + string(t.Tenant()) + ": nothing was applied",
				Next: "one Zendesk account belongs to one tenant: correct the address, or set `mode: observe` in one of them"}
		}
		return nil
	}
	in := map[tenant.ID]bool{}
	for _, t := range file {
		in[t.Tenant()] = true
		if err := free(t); err != nil {
			return err
		}
		if t.Mode != config.Observe {
			owner[accountOf(t)] = t.Tenant()
		}
	}
	ids, err := a.Store.TenantIDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if in[id] {
			continue
		}
		t, err := a.settings(ctx, id)
		if err != nil {
			return err
		}
		if err := free(t); err != nil {
			return err
		}
	}
	return nil
}

func accountOf(t config.Tenant) string {
	return strings.ToLower(strings.TrimRight(string(t.Zendesk.BaseURL), "/"))
}

func (a *API) applyOne(ctx context.Context, t config.Tenant, in adminapi.Apply) (adminapi.Applied, error) {
	id := t.Tenant()
	before, err := a.settings(ctx, id)
	created := errors.Is(err, store.ErrNotFound)
	if err != nil && !created {
		return adminapi.Applied{}, err
	}
	diff, err := config.Diff(before, t)
	if err != nil {
		return adminapi.Applied{}, err
	}
	doc, err := config.Doc(t)
	if err != nil {
		return adminapi.Applied{}, err
	}
	if err := a.Prepare(ctx, id); err != nil {
		return adminapi.Applied{}, err
	}
	sealed, missing, err := a.seal(ctx, t, in.Values[string(id)])
	if err != nil {
		return adminapi.Applied{}, err
	}
	crash.Point("cfg.mid")
	out := adminapi.Applied{Tenant: string(id), Created: created, Changes: changes(diff), Secrets: sealed, Missing: missing}
	out.Version, err = a.Store.PutTenant(ctx, id, doc, []audit.Entry{a.applied(ctx, id, doc, out, in.Actor)})
	return out, err
}

func (a *API) settings(ctx context.Context, id tenant.ID) (config.Tenant, error) {
	row, err := a.Store.Tenant(ctx, id)
	if err != nil {
		return config.Tenant{}, err
	}
	return config.FromDoc(row.Doc)
}

// seal stores the values that came with the request or that this process can resolve; a credential that is there
// already and got no new value is kept.
func (a *API) seal(ctx context.Context, t config.Tenant, values map[string]string) (sealed, missing []string, err error) {
	have := map[string]bool{}
	stored, err := a.Store.Credentials(ctx, t.Tenant())
	if err != nil {
		return nil, nil, err
	}
	for _, s := range stored {
		have[s.Purpose] = true
	}
	for _, ref := range t.Secrets() {
		value, ok := values[string(ref.Purpose)]
		v := secret.New(value)
		if !ok && ref.From != "" {
			if v, err = ref.Resolve(a.Lookup); err != nil {
				v = secret.String{}
			}
		}
		switch {
		case v.IsSet():
			if err := a.Seal.Seal(ctx, t.Tenant(), ref.Purpose, v); err != nil {
				return nil, nil, err
			}
			sealed = append(sealed, string(ref.Purpose))
		case !have[string(ref.Purpose)]:
			missing = append(missing, string(ref.Purpose))
		}
	}
	return sealed, missing, nil
}

func (a *API) applied(ctx context.Context, id tenant.ID, doc []byte, out adminapi.Applied, actor string) audit.Entry {
	version := int64(1)
	if row, err := a.Store.Tenant(ctx, id); err == nil {
		version = row.Version + 1
	}
	verb := "change settings"
	if out.Created {
		verb = "create tenant"
	}
	return audit.Entry{ID: audit.ID(audit.Operator, record.Ref{}, uint64(version), string(id), string(doc)), At: a.Now(), Stage: audit.Operator, Verb: verb,
		Outcome: audit.Finished, Cause: "person/" + actor, Changes: out.Changes, Detail: strconv.Itoa(len(out.Changes)) + " settings differ"}
}

func changes(diff []config.Change) []audit.Change {
	out := make([]audit.Change, len(diff))
	for i, c := range diff {
		out[i] = audit.Change{Field: c.Path, Before: c.Before, After: c.After}
	}
	return out
}

// credential seals one value.
func (a *API) credential(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	purpose := vault.Purpose(r.PathValue("purpose"))
	if !known(purpose) {
		return nil, &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "unknown purpose " + strconv.Quote(string(purpose)), Next: "use one of " + purposes()}
	}
	var in struct {
		Value string `json:"value"`
		By    string `json:"by"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.Value == "" {
		return nil, fault.New(fault.Invalid, adminapi.BadRequest, "the value is empty")
	}
	if err := a.Set.Seal(r.Context(), t, purpose, secret.New(in.Value)); err != nil {
		return nil, err
	}
	at, by := a.Now(), cmp.Or(strings.TrimSpace(in.By), "unknown")
	e := audit.Entry{ID: audit.ID(audit.Operator, record.Ref{}, 0, "credential", string(purpose), at.UTC().Format(time.RFC3339Nano)), At: at, Stage: audit.Operator,
		Verb: "set credential", Outcome: audit.Finished, Cause: "person/" + by, Detail: string(purpose)}
	if err := a.Store.Append(r.Context(), t, []audit.Entry{e}); err != nil {
		return nil, err
	}
	return map[string]string{"sealed": string(purpose)}, nil
}

func known(p vault.Purpose) bool {
	for _, k := range vault.Purposes() {
		if k == p {
			return true
		}
	}
	return false
}

func purposes() string {
	var b bytes.Buffer
	for i, p := range vault.Purposes() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(p))
	}
	return b.String()
}
