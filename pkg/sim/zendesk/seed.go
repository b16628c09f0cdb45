package zendesk

import (
	"fmt"
	"time"
)

// NewUser describes a user that a test puts there. Empty fields are left out.
type NewUser struct {
	Name, Email, ExternalID, Role, Phone string
	Organization                         int64
	Suspended, Unverified                bool
	Fields                               map[string]any
	Tags                                 []string
	CustomRole                           int64   // of an agent
	Groups                               []int64 // of an agent; the first is the default one
}

// NewOrganization describes an organization that a test puts there.
type NewOrganization struct {
	Name, ExternalID string
	Domains, Tags    []string
	Fields           map[string]any
}

// SeedUser puts a user there as if an admin had made it by hand, and panics when the account would refuse it.
func (s *Sim) SeedUser(n NewUser) (id int64) {
	in := fields{"name": encode(or(n.Name, "Somebody")), "verified": encode(!n.Unverified), "skip_verify_email": encode(true), "suspended": encode(n.Suspended)}
	for key, v := range map[string]string{"email": n.Email, "external_id": n.ExternalID, "role": n.Role, "phone": n.Phone} {
		if v != "" {
			in[key] = encode(v)
		}
	}
	if n.Organization != 0 {
		in["organization_id"] = encode(n.Organization)
	}
	if n.Tags != nil {
		in["tags"] = encode(n.Tags)
	}
	if n.Fields != nil {
		in["user_fields"] = encode(n.Fields)
	}
	if n.CustomRole != 0 {
		in["custom_role_id"] = encode(n.CustomRole)
	}
	s.locked(func(now time.Time) {
		id = s.seedUser(now, in).ID
		for _, g := range n.Groups {
			s.enroll(cause{at: now.Truncate(time.Second)}, id, g)
		}
	})
	return id
}

func (s *Sim) seedUser(now time.Time, in fields) *User {
	u, ps := s.startUser(cause{at: now.Truncate(time.Second)}, nil, in).run()
	if ps != nil {
		panic(fmt.Sprintf("zendesk simulator: seed user: %s", ps.bulk(" ")))
	}
	return u
}

func (s *Sim) seedAdmin(name, email string) int64 {
	return s.seedUser(s.now(), fields{"name": encode(name), "email": encode(email), "role": encode(roleAdmin), "verified": encode(true)}).ID
}

// SeedAgent puts an agent there.
func (s *Sim) SeedAgent(name, email string) int64 {
	return s.SeedUser(NewUser{Name: name, Email: email, Role: roleAgent})
}

// SeedUsers puts n employees there: "psft:emp:000001", "Person 1", person1@corp.example, and so on.
func (s *Sim) SeedUsers(n int) {
	for i := 1; i <= n; i++ {
		s.SeedUser(NewUser{
			Name: fmt.Sprintf("Person %d", i), Email: fmt.Sprintf("person%d@corp.example", i), ExternalID: fmt.Sprintf("psft:emp:%06d", i),
		})
	}
}

// SeedOrganization puts an organization there, and panics when the account would refuse it.
func (s *Sim) SeedOrganization(n NewOrganization) (id int64) {
	in := fields{"name": encode(n.Name)}
	if n.ExternalID != "" {
		in["external_id"] = encode(n.ExternalID)
	}
	if n.Domains != nil {
		in["domain_names"] = encode(n.Domains)
	}
	if n.Tags != nil {
		in["tags"] = encode(n.Tags)
	}
	if n.Fields != nil {
		in["organization_fields"] = encode(n.Fields)
	}
	s.locked(func(now time.Time) {
		o, ps := s.startOrg(cause{at: now.Truncate(time.Second)}, nil, in).run()
		if ps != nil {
			panic(fmt.Sprintf("zendesk simulator: seed organization: %s", ps.bulk(" ")))
		}
		id = o.ID
	})
	return id
}

// SeedField defines a custom field; kind is "user" or "organization", f needs Type, Key and Title.
func (s *Sim) SeedField(kind string, f Field) (id int64) {
	s.locked(func(now time.Time) {
		added, ps := s.addField(cause{at: now.Truncate(time.Second)}, kind, f)
		if ps != nil {
			panic(fmt.Sprintf("zendesk simulator: seed field: %s", ps.bulk(" ")))
		}
		id = added.ID
	})
	return id
}

// Deactivate is an admin who soft-deletes a user in Zendesk: the user stays readable with active false and without
// email, external id and memberships; email and external id become free (1.6). It reports whether there was such a user.
func (s *Sim) Deactivate(id int64) bool {
	return s.admin(id, "deactivate", func(u *User) {
		s.members.replace(s, cause{}, u.ID, nil)
		u.Active, u.ExternalID, u.Identities, u.OrganizationID = false, nil, nil, nil
		u.sync()
	})
}

// SetSuspended is an admin who suspends or restores a user by hand.
func (s *Sim) SetSuspended(id int64, suspended bool) bool {
	return s.admin(id, "", func(u *User) { u.Suspended = suspended })
}

// SetRole is an admin who changes a role by hand.
func (s *Sim) SetRole(id int64, role string) bool {
	return s.admin(id, "", func(u *User) { u.Role, u.RoleType = role, roleType(role, u.CustomRoleID) })
}

func (s *Sim) admin(id int64, verb string, change func(*User)) (found bool) {
	s.locked(func(now time.Time) {
		before := s.users.active(id)
		if found = before != nil; found {
			after := before.copy()
			change(after)
			s.commit(cause{at: now.Truncate(time.Second), verb: verb}, before, after)
		}
	})
	return found
}

// SetLoseEvery changes Options.LoseEvery while the account runs; 0 = no write is lost any more.
func (s *Sim) SetLoseEvery(n int) { s.locked(func(time.Time) { s.opts.LoseEvery = n }) }
