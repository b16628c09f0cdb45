package zendesk

import (
	"net/http"
	"slices"
	"time"
)

// Membership ties a user to an organization; Default is null, not false, when it is not the default one (2).
type Membership struct {
	URL            string    `json:"url"`
	ID             int64     `json:"id"`
	UserID         int64     `json:"user_id"`
	OrganizationID int64     `json:"organization_id"`
	Default        *bool     `json:"default"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

type memberStore struct{ byUser map[int64][]Membership }

func newMemberStore() memberStore { return memberStore{byUser: map[int64][]Membership{}} }

func (s *Sim) membership(c cause, user, org int64, isDefault bool) Membership {
	m := Membership{ID: s.nextID(), UserID: user, OrganizationID: org, CreatedAt: c.at, UpdatedAt: c.at}
	m.URL = s.link("organization_memberships/%d.json", m.ID)
	if isDefault {
		m.Default = new(true)
	}
	return m
}

// replace is what writing organization_id does: one membership stays, all others go (1.2).
func (ms *memberStore) replace(s *Sim, c cause, user int64, org *int64) {
	if org == nil {
		delete(ms.byUser, user)
		return
	}
	kept := s.membership(c, user, *org, true)
	for _, m := range ms.byUser[user] {
		if m.OrganizationID == *org {
			kept = m
			kept.Default = new(true)
		}
	}
	ms.byUser[user] = []Membership{kept}
}

// join adds a membership; the first one is the default.
func (s *Sim) join(c cause, user, org int64, wantDefault bool) (Membership, problems) {
	u := s.users.active(user)
	if u == nil || s.orgs.byID[org] == nil {
		return Membership{}, problems{{field: "base", text: "User or organization: is invalid"}}
	}
	list := s.members.byUser[user]
	if slices.ContainsFunc(list, func(m Membership) bool { return m.OrganizationID == org }) {
		return Membership{}, problems{{field: "user_id", text: "User has already been taken", duplicate: true}}
	}
	m := s.membership(c, user, org, len(list) == 0 || wantDefault)
	if m.Default != nil {
		list = slices.Clone(list)
		for i := range list {
			list[i].Default = nil
		}
		moved := u.copy()
		moved.OrganizationID = &org
		s.commit(c, u, moved)
	}
	s.members.byUser[user] = append(list, m)
	s.log.add(c, Effect{Kind: "membership", ID: m.ID, Verb: "create", After: &m})
	return m, nil
}

type membershipIn struct {
	UserID         int64 `json:"user_id"`
	OrganizationID int64 `json:"organization_id"`
	Default        bool  `json:"default"`
}

func (s *Sim) createMembership(c *call) reply {
	var in struct {
		M *membershipIn `json:"organization_membership"`
	}
	if c.decode(&in) != nil || in.M == nil {
		return *badAttribute("organization_membership", "an object")
	}
	m, ps := s.join(c.cause("create"), in.M.UserID, in.M.OrganizationID, in.M.Default)
	if ps != nil {
		return s.invalid(ps)
	}
	a := created(obj{"organization_membership": m})
	a.header = http.Header{"Location": {m.URL}}
	return a
}

// listMemberships serves all of them ("" ), those of one user ("users") or of one organization ("organizations").
func (s *Sim) listMemberships(of string) func(*call) reply {
	return func(c *call) reply {
		id, _ := c.pathID()
		list := []Membership{}
		if of == "users" {
			return offsetPage(s, c, "organization_memberships", append(list, s.members.byUser[id]...))
		}
		for _, user := range s.users.order {
			for _, m := range s.members.byUser[user] {
				if of == "" || m.OrganizationID == id {
					list = append(list, m)
				}
			}
		}
		return offsetPage(s, c, "organization_memberships", list)
	}
}

func (s *Sim) createMemberships(c *call) reply {
	var in struct {
		Ms []membershipIn `json:"organization_memberships"`
	}
	if c.decode(&in) != nil || len(in.Ms) == 0 {
		return *badAttribute("organization_memberships", "an array")
	}
	if len(in.Ms) > maxBulk {
		return tooManyValues("organization_memberships")
	}
	return s.queue(c, "Bulk Create OrganizationMembership", "OrganizationMembershipBulkCreateJob", len(in.Ms), func(cz cause, i int) result {
		m, ps := s.join(cz, in.Ms[i].UserID, in.Ms[i].OrganizationID, in.Ms[i].Default)
		if ps != nil {
			return result{Index: &i, Error: "OrganizationMembershipCreateFailed", Details: ps.bulk(" ")}
		}
		return result{Action: "create", ID: &m.ID, Status: "Created", Success: new(true)}
	})
}
