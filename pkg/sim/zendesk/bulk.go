package zendesk

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

const maxBulk = 100 // records in a bulk call (3.1)

// gate is the 403 of an account whose data import is switched off (3.1); its body is uncertain (12.2).
func (s *Sim) gate(closed bool) *reply {
	if !s.opts.ImportGate || !closed {
		return nil
	}
	if s.opts.Quirks.GateFlatBody {
		return &reply{status: http.StatusForbidden, body: obj{"error": "Forbidden", "message": "Data imports are not enabled"}}
	}
	return new(forbidden("You do not have access to this page. Please contact the account owner of this help desk for further help."))
}

// records reads {"users":[…]} of at most 100.
func (c *call) records(key string) ([]fields, *reply) {
	var in map[string]json.RawMessage
	if c.decode(&in) != nil {
		return nil, badJSON()
	}
	var list []fields
	if json.Unmarshal(in[key], &list) != nil || len(list) == 0 {
		return nil, badAttribute(key, "an array")
	}
	if len(list) > maxBulk {
		return nil, new(tooManyValues(key))
	}
	return list, nil
}

func (s *Sim) createUsers(c *call) reply {
	if refusal := s.gate(true); refusal != nil {
		return *refusal
	}
	list, refusal := c.records("users")
	if refusal != nil {
		return *refusal
	}
	return s.queue(c, "Bulk Create User", "UserBulkCreateJob", len(list), func(cz cause, i int) result {
		u, ps := s.startUser(cz, nil, list[i]).run()
		if ps != nil {
			return s.failedUser(i, "UserCreateError", ps)
		}
		return result{ID: &u.ID, Status: "Created"}
	})
}

func (s *Sim) upsertUsers(c *call) reply {
	if refusal := s.gate(true); refusal != nil {
		return *refusal
	}
	list, refusal := c.records("users")
	if refusal != nil {
		return *refusal
	}
	return s.queue(c, "Bulk Create Or Update User", "UserBulkCreateOrUpdateJob", len(list), func(cz cause, i int) result {
		m, ps := s.matchUpsert(list[i])
		if ps != nil {
			return s.failedUser(i, "UserUpdateError", ps)
		}
		u, ps := s.startUpsert(cz, m, list[i]).run()
		if ps != nil {
			return s.failedUser(i, "UserUpdateError", ps)
		}
		r := result{ID: &u.ID, Status: "Updated"}
		if m.user == nil {
			r.Status = "Created"
		}
		if u.Email != nil && !s.opts.Quirks.ResultsWithoutEmail {
			r.Email = *u.Email
		}
		return r
	})
}

// failedUser is a failed element, whose id is the position in the request (3.5).
func (s *Sim) failedUser(i int, code string, ps problems) result {
	r := result{Error: code, Details: ps.bulk(" "), Status: "Failed"}
	if s.opts.Quirks.UpsertFailureIndex {
		r.Index = &i
	} else {
		r.ID = new(int64(i))
	}
	return r
}

// updateForms reads the three forms of update_many (3.2) as keys and the change for each.
type bulkUpdate struct {
	key  func(i int) (id int64, external string)
	in   func(i int) fields
	size int
}

func (c *call) updates(one, many string) (b bulkUpdate, refusal *reply) {
	ids, externals := c.list("ids"), c.list("external_ids")
	if len(ids)+len(externals) == 0 {
		list, refusal := c.records(many)
		return bulkUpdate{
			size: len(list), in: func(i int) fields { return list[i] },
			key: func(i int) (int64, string) {
				f := form{in: list[i]}
				var id *int64
				if f.number("id", &id); id != nil {
					return *id, ""
				}
				external, _ := f.text("external_id")
				return 0, external
			},
		}, refusal
	}
	if len(ids)+len(externals) > maxBulk {
		return b, new(tooManyValues(many))
	}
	same, refusal := c.object(one)
	b = bulkUpdate{size: len(ids), in: func(int) fields { return same }}
	b.key = func(i int) (int64, string) { n, _ := strconv.ParseInt(ids[i], 10, 64); return n, "" }
	if len(externals) > 0 {
		b.size, b.key = len(externals), func(i int) (int64, string) { return 0, externals[i] }
	}
	return b, refusal
}

func (s *Sim) updateUsers(c *call) reply {
	if refusal := s.gate(s.opts.Quirks.GateUpdateMany); refusal != nil {
		return *refusal
	}
	b, refusal := c.updates("user", "users")
	if refusal != nil {
		return *refusal
	}
	return s.queue(c, "Bulk Update User", "UserBulkUpdateJobV2", b.size, func(cz cause, i int) result {
		id, external := b.key(i)
		u := s.users.active(id)
		if u == nil && external != "" {
			u = s.users.external(external)
		}
		if u == nil {
			return result{Index: &i, ID: &id, Error: "UserUpdateError", Details: "User not found", Status: "Failed"}
		}
		if cz.refuse {
			return result{Index: &i, ID: &u.ID, Error: "UserUpdateError", Details: "Database collision", Status: "Failed"}
		}
		after, ps := s.startUser(cz, u, b.in(i)).run()
		if ps != nil {
			return result{Index: &i, ID: &u.ID, Error: "UserUpdateError", Details: ps.bulk(" "), Status: "Failed"}
		}
		return result{ID: &after.ID, Action: "update", Status: "Updated", Success: new(true)}
	})
}

func (s *Sim) createOrgs(c *call) reply {
	if refusal := s.gate(s.opts.Quirks.GateOrganizations); refusal != nil {
		return *refusal
	}
	list, refusal := c.records("organizations")
	if refusal != nil {
		return *refusal
	}
	return s.queue(c, "Bulk Create Organization", "OrganizationBulkCreateJob", len(list), func(cz cause, i int) result {
		o, ps := s.startOrg(cz, nil, list[i]).run()
		if ps != nil {
			return result{Index: &i, Error: "OrganizationCreateFailed", Details: ps.bulk("  ")}
		}
		return result{ID: &o.ID, Status: "Created"}
	})
}

func (s *Sim) updateOrgs(c *call) reply {
	if refusal := s.gate(s.opts.Quirks.GateOrganizations && s.opts.Quirks.GateUpdateMany); refusal != nil {
		return *refusal
	}
	b, refusal := c.updates("organization", "organizations")
	if refusal != nil {
		return *refusal
	}
	return s.queue(c, "Bulk Update Organization", "OrganizationBulkUpdateJobV2", b.size, func(cz cause, i int) result {
		id, external := b.key(i)
		o := s.orgs.byID[id]
		if o == nil && strings.TrimSpace(external) != "" {
			o = s.orgs.external(external)
		}
		if o == nil {
			return result{Index: &i, ID: &id, Error: "OrganizationUpdateFailed", Details: "Organization not found"}
		}
		after, ps := s.startOrg(cz, o, b.in(i)).run()
		if ps != nil {
			return result{Index: &i, ID: &o.ID, Error: "OrganizationUpdateFailed", Details: ps.bulk("  ")}
		}
		return result{ID: &after.ID, Action: "update", Status: "Updated", Success: new(true)}
	})
}
