package zendesk

import (
	"context"
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/address"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// wantedAddress is the address that the user is to hold now; "" leaves the one that is there. A leaver's own address
// may belong to somebody else by now, so that none is written unless it is to be parked.
func wantedAddress(u directory.User) string {
	switch {
	case u.Park != "":
		return u.Park
	case u.State == directory.Suspended:
		return ""
	}
	return u.Email
}

// email brings the wanted address to the user: its own second address becomes primary; else the primary one is
// replaced where it must be free afterwards (way B of zendesk.md 1.5), or one is added beside it (way A), which takes
// nothing away.
func (s *steps) email(ctx context.Context) error {
	u := s.c.Wanted.User
	want := fold(wantedAddress(*u))
	s.t.users.touch(want, fold(s.held()))
	if s.t.cfg.EmailInPlace || u.Park != "" {
		list, err := s.t.identities(ctx, parseID(s.c.TargetID), s.c.Urgent)
		if err != nil {
			return err
		}
		own, has := findAddress(list, want)
		if has {
			return s.promote(ctx, own, want)
		}
		if primary, ok := primaryAddress(list); ok {
			return s.replace(ctx, primary, want)
		}
	}
	return s.add(ctx, want)
}

func (s *steps) held() string {
	if s.c.Held.User == nil {
		return ""
	}
	return s.c.Held.User.Email
}

// replace gives an address of the user a new value, so that the old one is free.
func (s *steps) replace(ctx context.Context, old wireIdentity, want string) error {
	var a struct {
		Identity wireIdentity `json:"identity"`
	}
	err := s.send(ctx, call{method: http.MethodPut, path: "/api/v2/users/" + s.c.TargetID + "/identities/" + idText(old.ID), out: &a,
		body: wrap("identity", map[string]any{"value": want, "verified": true, "skip_verify_email": true})})
	if fault.CodeOf(err) == fault.EmailTaken {
		return s.blocker(ctx, want, err)
	}
	if err == nil && !address.Same(a.Identity.Value, want) {
		return fault.New(fault.Transient, fault.TargetNotApplied, "the address does not show in the answer")
	}
	if err == nil {
		s.t.claims.yield(fold(old.Value), s.c.Wanted.ExternalID())
	}
	return err
}

// add adds the address as an identity and makes it primary.
func (s *steps) add(ctx context.Context, want string) error {
	var a struct {
		Identity wireIdentity `json:"identity"`
	}
	err := s.send(ctx, call{method: http.MethodPost, path: "/api/v2/users/" + s.c.TargetID + "/identities", out: &a,
		body: wrap("identity", map[string]any{"type": fieldEmail, "value": want, "verified": true, "skip_verify_email": true})})
	if fault.CodeOf(err) == fault.EmailTaken {
		a.Identity, err = s.ownAddress(ctx, want, err)
	}
	if err != nil {
		return err
	}
	return s.promote(ctx, a.Identity, want)
}

func (s *steps) promote(ctx context.Context, i wireIdentity, want string) error {
	if i.Primary {
		return nil
	}
	var list identitiesAnswer
	err := s.send(ctx, call{method: http.MethodPut, path: "/api/v2/users/" + s.c.TargetID + "/identities/" + idText(i.ID) + "/make_primary",
		out: &list, body: map[string]any{}})
	if got, ok := findAddress(list.Identities, want); err == nil && ok && !got.Primary {
		return fault.New(fault.Transient, fault.TargetNotApplied, "the address did not become primary")
	}
	return err
}

// ownAddress: a taken address may be this user's own secondary one, left by an earlier try or change.
func (s *steps) ownAddress(ctx context.Context, want string, refused error) (wireIdentity, error) {
	list, err := s.t.identities(ctx, parseID(s.c.TargetID), s.c.Urgent)
	if err != nil {
		return wireIdentity{}, err
	}
	if own, ok := findAddress(list, want); ok {
		return own, nil
	}
	return wireIdentity{}, s.blocker(ctx, want, refused)
}

// blocker names whoever has the address that was refused.
func (s *steps) blocker(ctx context.Context, want string, refused error) error {
	u, err := s.t.userByAddress(ctx, want, s.c.Urgent)
	if err != nil || u == nil || idText(u.ID) == s.c.TargetID {
		return refused
	}
	return s.t.blocked(fault.EmailTaken, *u, want)
}

// blocked says who has an address and what heals it.
func (t *Target) blocked(code fault.Code, u wireUser, want string) error {
	who, how := "user "+idText(u.ID), ""
	switch {
	case strings.HasPrefix(strings.ToLower(u.ExternalID), ours):
		who += ", who stands for employee/" + word(u.ExternalID[len(ours):])
	case u.ExternalID != "":
		who += ", who has another external id"
	}
	if u.staff() {
		who += ", who is " + article(u.Role)
	}
	switch second := !address.Same(u.Email, want); {
	case second && !t.cfg.EmailInPlace:
		how = " as a second address; remove it from that user by hand in Zendesk; with employees.email.change: in_place old addresses are freed from then on"
	case second:
		how = " as a second address; remove it from that user by hand in Zendesk"
	}
	return held(code, "the address belongs to "+who+how)
}

// ours begins the external ids that this product gives to users (design.md 8).
const ours = "psft:emp:"

func primaryAddress(list []wireIdentity) (wireIdentity, bool) {
	for _, i := range list {
		if i.Type == fieldEmail && i.Primary {
			return i, true
		}
	}
	return wireIdentity{}, false
}

func findAddress(list []wireIdentity, want string) (wireIdentity, bool) {
	for _, i := range list {
		if i.Type == fieldEmail && address.Same(i.Value, want) {
			return i, true
		}
	}
	return wireIdentity{}, false
}
