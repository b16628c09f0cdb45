package zendesk

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Sim) identity(c cause, user int64, kind, value string, verified, primary bool) Identity {
	id := s.nextID()
	return Identity{
		URL: s.link("users/%d/identities/%d.json", user, id), ID: id, UserID: user, Type: kind, Value: value,
		Verified: verified, Primary: primary, CreatedAt: c.at, UpdatedAt: c.at, DeliverableState: deliverable(kind, value),
	}
}

// deliverable: mail to reserved example domains is never sent (1.4).
func deliverable(kind, value string) string {
	_, domain, _ := strings.Cut(value, "@")
	if kind == typeEmail && slices.Contains([]string{"example.com", "example.net", "example.org", "example.edu"}, domain) {
		return "reserved_example"
	}
	return "deliverable"
}

func identityList(u *User) obj {
	return obj{"identities": append([]Identity{}, u.Identities...), "next_page": nil, "previous_page": nil, "count": len(u.Identities)}
}

func (s *Sim) listIdentities(c *call) reply {
	id, _ := c.pathID()
	u := s.users.active(id)
	if u == nil {
		return notFound()
	}
	shown := *u
	if kinds := c.r.URL.Query()["type[]"]; len(kinds) > 0 {
		shown.Identities = slices.DeleteFunc(slices.Clone(u.Identities), func(i Identity) bool { return !slices.Contains(kinds, i.Type) })
	}
	if size := c.query("page[size]"); size != "" {
		return ok(obj{"identities": append([]Identity{}, shown.Identities...), "meta": obj{"has_more": false, "after_cursor": nil, "before_cursor": nil}, "links": obj{"next": nil, "prev": nil}})
	}
	return ok(identityList(&shown))
}

// identityCall finds the user and, when the path names one, the identity.
func (s *Sim) identityCall(c *call) (u *User, at int, refusal *reply) {
	id, _ := c.pathID()
	before := s.users.active(id)
	if before == nil {
		return nil, -1, new(notFound())
	}
	at = -1
	if iid := c.r.PathValue("iid"); iid != "" {
		n, _ := strconv.ParseInt(iid, 10, 64)
		at = slices.IndexFunc(before.Identities, func(i Identity) bool { return i.ID == n })
		if at < 0 {
			return nil, -1, new(notFound())
		}
	}
	return before.copy(), at, nil
}

func (s *Sim) getIdentity(c *call) reply {
	u, at, refusal := s.identityCall(c)
	if refusal != nil {
		return *refusal
	}
	return ok(obj{"identity": u.Identities[at]})
}

func (s *Sim) createIdentity(c *call) reply {
	u, _, refusal := s.identityCall(c)
	if refusal != nil {
		return *refusal
	}
	in, bad := c.object("identity")
	if bad != nil {
		return *bad
	}
	f := &form{in: in, limit: s.opts.Quirks.MaxLength}
	var verified, primary, skip bool
	kind, _ := f.text("type")
	value, _ := f.text("value")
	f.flag("verified", &verified)
	f.flag("primary", &primary)
	f.flag("skip_verify_email", &skip)
	value = s.checkValue(f, kind, value)
	if len(f.bad) > 0 {
		return s.invalid(f.bad)
	}
	added := s.identity(c.cause("identity"), u.ID, kind, value, verified, u.primary(kind) < 0)
	u.Identities = append(u.Identities, added)
	if primary {
		u.promote(len(u.Identities) - 1)
		added.Primary = true
	}
	if kind == typeEmail && !verified && !skip {
		s.counters.Mails++
	}
	s.saveIdentities(c, u)
	a := created(obj{"identity": added})
	a.header = http.Header{"Location": {added.URL}}
	return a
}

// checkValue normalises and refuses values that are malformed or taken by anybody (1.5).
func (s *Sim) checkValue(f *form, kind, value string) string {
	switch {
	case kind == "":
		f.refuse("type")
	case value == "":
		f.bad.add("value", "Value: cannot be blank")
	case kind == typeEmail:
		value = strings.ToLower(value)
		if !mailShaped(value) {
			f.bad.add("value", "Value: "+value+" is not properly formatted")
		} else if s.users.byAddress[value] != 0 {
			f.bad.taken("value", "Value: "+value+" is already being used by another user")
		}
	}
	return value
}

// updateIdentity is way B of 1.5: a new value in place frees the old address.
func (s *Sim) updateIdentity(c *call) reply {
	u, at, refusal := s.identityCall(c)
	if refusal != nil {
		return *refusal
	}
	in, bad := c.object("identity")
	if bad != nil {
		return *bad
	}
	f := &form{in: in, limit: s.opts.Quirks.MaxLength}
	i := &u.Identities[at]
	var skip bool
	f.flag("skip_verify_email", &skip)
	if value, sent := f.text("value"); sent && !strings.EqualFold(value, i.Value) {
		i.Value = s.checkValue(f, i.Type, value)
		i.DeliverableState = deliverable(i.Type, i.Value)
		if s.opts.Quirks.IdentityValueResetsVerified {
			i.Verified = false
		}
		if s.opts.Quirks.IdentityValueMails && !skip {
			s.counters.Mails++
		}
	}
	f.flag("verified", &i.Verified)
	if len(f.bad) > 0 {
		return s.invalid(f.bad)
	}
	s.saveIdentities(c, u)
	return ok(obj{"identity": *i})
}

// promote makes one identity the primary of its type and puts it first, as recorded (1.5).
func (u *User) promote(at int) {
	chosen := u.Identities[at]
	for i := range u.Identities {
		if u.Identities[i].Type == chosen.Type {
			u.Identities[i].Primary = false
		}
	}
	chosen.Primary = true
	u.Identities = slices.Insert(slices.Delete(u.Identities, at, at+1), 0, chosen)
}

func (s *Sim) makePrimary(c *call) reply {
	u, at, refusal := s.identityCall(c)
	if refusal != nil {
		return *refusal
	}
	u.promote(at)
	s.saveIdentities(c, u)
	return ok(identityList(u))
}

func (s *Sim) verifyIdentity(c *call) reply {
	u, at, refusal := s.identityCall(c)
	if refusal != nil {
		return *refusal
	}
	if u.ID == s.owner {
		return forbidden("The identity of the account owner cannot be verified this way")
	}
	u.Identities[at].Verified = true
	s.saveIdentities(c, u)
	return ok(obj{"identity": u.Identities[at]})
}

func (s *Sim) requestVerification(c *call) reply {
	_, _, refusal := s.identityCall(c)
	if refusal != nil {
		return *refusal
	}
	s.counters.Mails++
	return ok(nil)
}

func (s *Sim) saveIdentities(c *call, u *User) {
	u.sync()
	before := s.users.byID[u.ID]
	joined := s.joinByDomain(before, u)
	if s.commit(c.cause("identity"), before, u) && joined {
		s.members.replace(s, c.cause("identity"), u.ID, u.OrganizationID)
	}
}
