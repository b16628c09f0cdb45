package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func (a *API) verify(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	var known []audit.Checkpoint
	for _, text := range r.URL.Query()["checkpoint"] {
		c, err := audit.ParseCheckpoint(text)
		if err != nil {
			return nil, wrong("%v", err)
		}
		known = append(known, c)
	}
	rep, err := audit.Verify(r.Context(), t, a.Store, known...)
	if err != nil {
		return nil, err
	}
	out := adminapi.Verified{OK: rep.Bad == 0, Entries: rep.Entries, Sealed: rep.Sealed, Compared: rep.Compared, Bad: rep.Bad, Why: rep.Why}
	if rep.Sealed > 0 {
		out.Checkpoint = rep.Head.String()
	}
	if !out.OK {
		if out.Entry, err = a.entryAt(r.Context(), t, rep.Bad); err != nil {
			return nil, err
		}
		a.Log.Error("audit trail is broken", "tenant", t, "position", rep.Bad, "why", rep.Why)
	}
	return out, nil
}

// entryAt is the entry at a position of the trail, nil when there is none.
func (a *API) entryAt(ctx context.Context, t tenant.ID, position int64) (*adminapi.AuditEntry, error) {
	rows, err := a.Store.Trail(ctx, t, audit.Query{After: position - 1, Limit: 1})
	if err != nil || len(rows) == 0 || rows[0].Position != position {
		return nil, err
	}
	e := shownEntry(rows[0])
	return &e, nil
}

// rotate belongs to no tenant; every tenant's trail tells about it.
func (a *API) rotate(r *http.Request) (any, error) {
	var in adminapi.Rotation
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.By = strings.TrimSpace(in.By); in.By == "" {
		return nil, wrong("a rotation needs `by`, who asks")
	}
	if a.Rotate == nil {
		return nil, fault.New(fault.Config, fault.VaultKey, "this process has no vault")
	}
	out, err := a.Rotate(r.Context(), in)
	if f, ok := errors.AsType[*fault.Error](err); ok && in.KeyFile != "" && f.Code == fault.VaultKey {
		told := *f
		told.Detail = "rotation with " + in.KeyFile + ": " + f.Detail
		told.Next = "name a file with 32 bytes, on the machine of the process, that the process can read and nobody beside its owner and group; then see that its own key file is there"
		err = &told
	}
	return out, err
}
