package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// List implements target.Lister by incremental export: 1,000 objects a call, ten calls a minute (zendesk.md 7.5). What
// changed within the last minute may be missing.
func (t *Target) List(ctx context.Context, _ tenant.ID, kind record.Kind, see func([]target.Object) error) error {
	read := t.listUsers
	if kind == record.Vendor {
		read = t.listOrgs
	}
	last := map[string]bool{} // pages may repeat objects at their borders
	for from, done := "", false; !done; {
		var page []target.Object
		var err error
		if page, from, done, err = read(ctx, from); err != nil {
			return err
		}
		now, fresh := map[string]bool{}, page[:0]
		for _, o := range page {
			if now[o.ID] = true; !last[o.ID] {
				fresh = append(fresh, o)
			}
		}
		last = now
		if err := see(fresh); err != nil {
			return err
		}
	}
	return nil
}

func (t *Target) listUsers(ctx context.Context, from string) ([]target.Object, string, bool, error) {
	list, next, done, err := t.usersPage(ctx, from)
	out := make([]target.Object, 0, len(list))
	for _, u := range list {
		if !u.gone() {
			out = append(out, target.Object{ID: idText(u.ID), ExternalID: u.ExternalID, Name: u.Name, Email: strings.ToLower(u.Email), Staff: u.staff()})
		}
	}
	return out, next, done, err
}

func (t *Target) listOrgs(ctx context.Context, from string) ([]target.Object, string, bool, error) {
	list, next, done, err := t.orgsPage(ctx, from)
	out := make([]target.Object, 0, len(list))
	for _, o := range list {
		if o.DeletedAt == nil {
			out = append(out, target.Object{ID: idText(o.ID), ExternalID: o.ExternalID, Name: o.Name})
		}
	}
	return out, next, done, err
}

// usersPage reads one page of the cursor export; the host of its links is never used (zendesk.md 4.7, 7.5).
func (t *Target) usersPage(ctx context.Context, from string) ([]wireUser, string, bool, error) {
	return t.usersSince(ctx, from, time.Unix(1, 0))
}

// usersSince begins at a time when there is no cursor yet.
func (t *Target) usersSince(ctx context.Context, from string, since time.Time) ([]wireUser, string, bool, error) {
	q := url.Values{"start_time": {strconv.FormatInt(since.Unix(), 10)}, "per_page": {"1000"}}
	if from != "" {
		q = url.Values{"cursor": {from}, "per_page": {"1000"}}
	}
	var a struct {
		Users       []wireUser `json:"users"`
		AfterCursor string     `json:"after_cursor"`
		End         bool       `json:"end_of_stream"`
	}
	_, err := t.client.do(ctx, call{method: http.MethodGet, path: exportPath, query: q, out: &a})
	if a.AfterCursor == "" {
		a.AfterCursor = from
	}
	return a.Users, a.AfterCursor, a.End || len(a.Users) == 0, err
}

// exportedOrg is an organization as the export shows it.
type exportedOrg struct {
	wireOrg
	DeletedAt *string `json:"deleted_at"`
}

// orgsPage reads one page of the time-based export; pages may repeat records at their borders.
func (t *Target) orgsPage(ctx context.Context, from string) ([]exportedOrg, string, bool, error) {
	if from == "" {
		from = "1"
	}
	var a struct {
		Organizations []exportedOrg `json:"organizations"`
		EndTime       int64         `json:"end_time"`
		Count         int           `json:"count"`
		End           *bool         `json:"end_of_stream"`
	}
	q := url.Values{"start_time": {from}, "per_page": {"1000"}}
	_, err := t.client.do(ctx, call{method: http.MethodGet, path: "/api/v2/incremental/organizations", query: q, out: &a})
	done := len(a.Organizations) < 1000
	if a.End != nil {
		done = *a.End
	}
	if a.EndTime > 0 {
		next := strconv.FormatInt(a.EndTime, 10)
		done = done || next == from
		from = next
	}
	return a.Organizations, from, done, err
}
