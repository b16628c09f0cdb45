package zendesk

import (
	"context"
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// applyOne applies one change with single calls.
func (t *Target) applyOne(ctx context.Context, c target.Change) target.Outcome {
	o := target.Outcome{Change: c, TargetID: c.TargetID, Holds: c.Held, Memory: c.Memory}
	s := &steps{t: t, c: c, o: &o}
	switch {
	case c.Wanted.Organization != nil:
		o.Err = s.organization(ctx)
	case c.Verb == target.Create:
		o.Err = s.create(ctx)
	default:
		o.Err = s.update(ctx)
	}
	return o
}

// steps are the calls of one change; what is done so far is in o.
type steps struct {
	t *Target
	c target.Change
	o *target.Outcome
}

func (s *steps) send(ctx context.Context, k call) error {
	k.urgent, k.about = s.c.Urgent, []target.Change{s.c}
	rc, err := s.t.client.do(ctx, k)
	crash.Point("wr.after_send")
	if s.o.Request != "" && rc.line != "" {
		s.o.Request += "; "
	}
	s.o.Request += rc.line
	return err
}

// create uses the plain create: it refuses an address or external id that somebody has, where an upsert would choose.
func (s *steps) create(ctx context.Context) error {
	want := s.c.Wanted.User
	email := fold(want.Email)
	if !s.claim(email) {
		return held(fault.EmailTaken, "another new record has this address")
	}
	s.t.users.touch(want.ExternalID, email)
	var a userAnswer
	err := s.send(ctx, call{method: http.MethodPost, path: "/api/v2/users", out: &a, body: wrap("user", newUserBody(s.c.Diff, email))})
	s.t.claims.release(email, want.ExternalID, err != nil && !fault.IsUnknown(err))
	if err == nil && a.User.ID <= 0 {
		return &fault.Error{Kind: fault.Transient, Code: fault.TargetNotData, Detail: "the new user has no id", Unknown: true}
	}
	if err != nil {
		return s.taken(ctx, err)
	}
	s.o.TargetID, s.o.Holds = idText(a.User.ID), after(s.c, s.c.Diff)
	return nil
}

func (s *steps) claim(key string) bool {
	return key == "" || s.t.claims.take(key, s.c.Wanted.ExternalID(), s.t.cfg.Fresh)
}

// taken looks who has what a create was refused for: our own earlier try is planned again, others are named.
func (s *steps) taken(ctx context.Context, err error) error {
	want := s.c.Wanted.User
	switch fault.CodeOf(err) {
	case fault.TargetConflict:
		if fault.KindOf(err) == fault.Conflict {
			return err
		}
	case fault.EmailTaken:
		got, lookErr := s.t.usersByExternal(ctx, []string{want.ExternalID}, s.c.Urgent)
		if lookErr == nil && len(got) > 0 {
			return fault.New(fault.Conflict, fault.TargetConflict, "the record has a user already: plan again")
		}
		u, lookErr := s.t.userByAddress(ctx, want.Email, s.c.Urgent)
		if lookErr == nil && u != nil && (u.ExternalID != "" || u.staff() || !s.t.cfg.Adopt) {
			_, err = s.t.decideOwner(s.c.Item, *u, *want)
		} else if lookErr == nil && u != nil {
			return fault.New(fault.Conflict, fault.TargetConflict, "a user with this address appeared: plan again")
		}
	}
	return err
}

// update writes fields first and the address last, so that a refused address never keeps a leaver signed in.
func (s *steps) update(ctx context.Context) error {
	d := s.c.Diff
	leaves := has(d, fieldRole) && s.c.Wanted.State() != directory.Active
	if leaves {
		if err := s.freeSeat(ctx); err != nil {
			return err
		}
	}
	returns := has(d, fieldRole) && !leaves
	d = without(d, fieldRole)
	plain := without(d, fieldEmail)
	if replacesPhone(s.c) {
		if err := s.put(ctx, map[string]any{fieldPhone: ""}); err != nil {
			return err
		}
	}
	if len(plain) > 0 {
		if err := s.put(ctx, userBody(plain)); err != nil {
			return err
		}
		s.o.Holds = after(s.c, plain)
	}
	if has(d, fieldEmail) {
		if err := s.email(ctx); err != nil {
			return err
		}
		s.o.Holds = after(s.c, d)
	}
	if returns {
		return s.takeSeat(ctx)
	}
	return nil
}

// replacesPhone: a number beside an existing one would only become a second one (zendesk.md 1.2).
func replacesPhone(c target.Change) bool {
	for _, d := range c.Diff {
		if d.Field == fieldPhone && d.Before != "" {
			return true
		}
	}
	return false
}

// put writes a user by id and believes the answer about the suspension only (failures.md Z22).
func (s *steps) put(ctx context.Context, body map[string]any) error {
	var a userAnswer
	err := s.send(ctx, call{method: http.MethodPut, path: "/api/v2/users/" + s.c.TargetID, out: &a, body: wrap("user", body)})
	if fault.CodeOf(err) == fault.TargetForbidden {
		return s.protected(ctx, err)
	}
	if want, sent := body[fieldSuspend]; err == nil && sent && want != a.User.Suspended {
		return fault.New(fault.Transient, fault.TargetNotApplied, "the suspension does not show in the answer")
	}
	return err
}

// protected tells a user whom nobody may change from a credential that may not change users (zendesk.md 1.6).
func (s *steps) protected(ctx context.Context, err error) error {
	var a userAnswer
	if s.send(ctx, call{method: http.MethodGet, path: "/api/v2/users/" + s.c.TargetID, out: &a}) == nil && a.User.staff() {
		return held(fault.TargetProtected, "the account refuses to change this "+word(a.User.Role))
	}
	return err
}

// organization creates or updates one; a name that was taken in between falls back to the alternative once.
func (s *steps) organization(ctx context.Context) error {
	if err := s.t.naming.take(ctx); err != nil {
		return err
	}
	defer s.t.naming.give()
	want, d := s.c.Wanted.Organization, s.c.Diff
	err := s.writeOrg(ctx, d)
	if fault.CodeOf(err) == fault.OrgNameTaken && has(d, fieldName) && !blank(want.AltName) && !strings.EqualFold(nameIn(d), want.AltName) {
		other, lookErr := s.t.orgByName(ctx, nameIn(d), s.c.Urgent)
		if lookErr == nil && other != nil && other.ExternalID == "" {
			return fault.New(fault.Conflict, fault.TargetConflict, "an organization with this name appeared: plan again")
		}
		d = renamed(d, want.AltName)
		s.o.Change.Code = string(fault.OrgNameTaken)
		err = s.writeOrg(ctx, d)
	}
	if err == nil {
		s.o.Holds = after(s.c, d)
	}
	return err
}

func nameIn(d []audit.Change) string {
	for _, c := range d {
		if c.Field == fieldName {
			return c.After
		}
	}
	return ""
}

func (s *steps) writeOrg(ctx context.Context, d []audit.Change) error {
	s.t.orgs.touch(s.c.Wanted.ExternalID(), strings.TrimSpace(nameIn(d)))
	k := call{method: http.MethodPut, path: "/api/v2/organizations/" + s.c.TargetID, body: wrap("organization", orgBody(d))}
	if s.c.Verb == target.Create {
		k.method, k.path = http.MethodPost, "/api/v2/organizations"
	}
	var a orgAnswer
	k.out = &a
	if err := s.send(ctx, k); err != nil {
		return err
	}
	if a.Organization.ID > 0 {
		s.o.TargetID = idText(a.Organization.ID)
	}
	return nil
}

func wrap(key string, v any) map[string]any { return map[string]any{key: v} }
