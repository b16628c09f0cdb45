package zendesk

import "slices"

// enroll adds an agent to a group; the first one is the default (7.2).
func (s *Sim) enroll(c cause, user, group int64) (ps problems) {
	u := s.users.active(user)
	if u == nil || u.Role == roleEndUser {
		return problems{{field: "user", text: "User: must be an agent"}}
	}
	if slices.Contains(u.Groups, group) {
		return problems{{field: "user_id", text: "User has already been taken", duplicate: true}}
	}
	after := u.copy()
	after.Groups = append(slices.Clone(u.Groups), group)
	if after.DefaultGroupID == nil {
		after.DefaultGroupID = &group
	}
	s.commit(c, u, after)
	return nil
}

func (s *Sim) listGroupMemberships(c *call) reply {
	id, _ := c.pathID()
	u := s.users.active(id)
	if u == nil {
		return notFound()
	}
	list := []obj{}
	for n, g := range u.Groups {
		list = append(list, obj{"id": u.ID*100 + int64(n), "user_id": u.ID, "group_id": g, "default": u.DefaultGroupID != nil && *u.DefaultGroupID == g})
	}
	return offsetPage(s, c, "group_memberships", list)
}

func (s *Sim) createGroupMembership(c *call) reply {
	var in struct {
		M *struct {
			UserID  int64 `json:"user_id"`
			GroupID int64 `json:"group_id"`
		} `json:"group_membership"`
	}
	if c.decode(&in) != nil || in.M == nil {
		return *badAttribute("group_membership", "an object")
	}
	if ps := s.enroll(c.cause("update"), in.M.UserID, in.M.GroupID); ps != nil {
		return s.invalid(ps)
	}
	return created(obj{"group_membership": obj{"user_id": in.M.UserID, "group_id": in.M.GroupID}})
}
