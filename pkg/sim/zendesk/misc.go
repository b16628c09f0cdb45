package zendesk

func (s *Sim) countOrgs(c *call) reply {
	return ok(obj{"count": obj{"value": len(s.orgs.order), "refreshed_at": c.now}})
}

// accountSettings holds the setting that decides about welcome mails (1.4).
func (s *Sim) accountSettings(*call) reply {
	return ok(obj{"settings": obj{
		"user":    obj{"tagging": true, "agent_created_welcome_emails": true, "phone_number_validation": true, "multiple_organizations": true},
		"api":     obj{"accepted_api_agreement": true, "api_token_access": true},
		"agents":  obj{"agent_workspace": true},
		"tickets": obj{"emoji_autocompletion": true},
	}})
}

func (s *Sim) customRoles(*call) reply {
	return ok(obj{"custom_roles": []obj{
		{"id": 6_000_000_000_101, "name": "Staff", "role_type": 0, "description": "Tickets of all groups", "configuration": obj{"end_user_profile_access": "readonly"}},
		{"id": 6_000_000_000_102, "name": "Light agent", "role_type": 1, "description": "Private comments", "configuration": obj{"end_user_profile_access": "readonly"}},
	}, "next_page": nil, "previous_page": nil, "count": 2})
}

func (s *Sim) groups(*call) reply {
	return ok(obj{"groups": []obj{
		{"id": 6_000_000_000_201, "name": "Support", "default": true, "deleted": false, "url": s.link("groups/6000000000201.json")},
	}, "next_page": nil, "previous_page": nil, "count": 1})
}

// listDeleted shows the soft-deleted users (1.1).
func (s *Sim) listDeleted(c *call) reply {
	gone := []*User{}
	for _, id := range s.users.order {
		if u := s.users.byID[id]; !u.Active {
			gone = append(gone, s.show(u))
		}
	}
	return offsetPage(s, c, "deleted_users", gone)
}

func (s *Sim) getDeleted(c *call) reply {
	id, _ := c.pathID()
	if u := s.users.byID[id]; u != nil && !u.Active {
		return ok(obj{"deleted_user": s.show(u)})
	}
	return notFound()
}
