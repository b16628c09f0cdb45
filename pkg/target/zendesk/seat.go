package zendesk

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// memory is what a downgrade takes from an agent, kept with the link until the agent is one again.
type memory struct {
	Role           string  `json:"role"`
	CustomRoleID   *int64  `json:"custom_role_id,omitempty"`
	DefaultGroupID *int64  `json:"default_group_id,omitempty"`
	Groups         []int64 `json:"groups,omitempty"`
	Half           bool    `json:"half,omitempty"` // the role is being given back: groups may be missing
}

func remembered(raw []byte) (m memory, ok bool) {
	return m, len(raw) > 0 && json.Unmarshal(raw, &m) == nil && m.Role == roleAgent
}

func (m memory) encode() []byte {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil // numbers and words always encode
	}
	return raw
}

const roleAgent = "agent"

// returning adds what a rehired agent gets back to the change of a user that is ours: the role, in a request of its
// own after everything else. Somebody who gave the role back by hand decided about the groups as well.
func (t *Target) returning(c target.Change, u wireUser, want directory.User) target.Change {
	m, ok := remembered(c.Memory)
	if !ok || want.State != directory.Active || !t.cfg.FreeSeats && !want.FreeSeat {
		return c
	}
	if u.Role == roleAgent && !m.Half || u.staff() && u.Role != roleAgent {
		return c
	}
	c.Diff = append(slices.Clip(c.Diff), audit.Change{Field: fieldRole, Before: u.Role, After: roleAgent})
	if c.Verb == target.Nothing {
		c.Verb = target.Update
		c.Why = "an agent returns: the role and groups of before"
		return c
	}
	c.Why += "; an agent returns: the role and groups of before"
	return c
}

// freeSeat downgrades an agent in a request of its own; the suspension follows in the next (zendesk.md 1.6).
func (s *steps) freeSeat(ctx context.Context) error {
	path := "/api/v2/users/" + s.c.TargetID
	var a userAnswer
	if err := s.send(ctx, call{method: http.MethodGet, path: path, out: &a}); err != nil {
		return err
	}
	if !a.User.staff() {
		return nil // done by an earlier try, whose memory is kept
	}
	if a.User.Role != roleAgent {
		return held(fault.TargetProtected, "the user is "+article(a.User.Role))
	}
	m := memory{Role: a.User.Role, CustomRoleID: a.User.CustomRoleID, DefaultGroupID: a.User.DefaultGroupID}
	m.Groups, _ = s.groups(ctx) // an account that does not tell them: the role alone comes back
	s.o.Memory = m.encode()
	return s.put(ctx, map[string]any{fieldRole: roleEndUser})
}

func (s *steps) groups(ctx context.Context) (ids []int64, err error) {
	var a struct {
		Memberships []struct {
			GroupID int64 `json:"group_id"`
		} `json:"group_memberships"`
	}
	err = s.send(ctx, call{method: http.MethodGet, path: "/api/v2/users/" + s.c.TargetID + "/group_memberships", out: &a})
	for _, x := range a.Memberships {
		ids = append(ids, x.GroupID)
	}
	return ids, err
}

// takeSeat gives a rehired agent role, custom role and groups back. Until all of it is done the memory stays; an account
// without a free seat keeps the person as an end user, who is told as waiting.
func (s *steps) takeSeat(ctx context.Context) error {
	m, ok := remembered(s.o.Memory)
	if !ok {
		return nil
	}
	m.Half = true
	s.o.Memory = m.encode()
	role := map[string]any{fieldRole: roleAgent}
	if m.CustomRoleID != nil {
		role["custom_role_id"] = *m.CustomRoleID
	}
	if err := s.put(ctx, role); err != nil {
		code := fault.CodeOf(err)
		if code != fault.TargetInvalid && code != fault.TargetForbidden {
			return err
		}
		m.Half = false
		s.o.Memory = m.encode()
		return held(fault.TargetNoSeat, "the account does not make this user an agent again")
	}
	if err := s.rejoin(ctx, m); err != nil {
		return err
	}
	s.o.Memory = nil
	return nil
}

// rejoin adds the groups that are missing and names the default one. A group that is gone by now is left out.
func (s *steps) rejoin(ctx context.Context, m memory) error {
	if len(m.Groups) == 0 {
		return nil
	}
	now, err := s.groups(ctx)
	if err != nil {
		return err
	}
	for _, id := range m.Groups {
		if slices.Contains(now, id) {
			continue
		}
		var a struct{}
		err := s.send(ctx, call{method: http.MethodPost, path: "/api/v2/group_memberships", out: &a,
			body: wrap("group_membership", map[string]any{"user_id": parseID(s.c.TargetID), "group_id": id})})
		if err != nil && fault.CodeOf(err) != fault.TargetInvalid && fault.CodeOf(err) != fault.TargetGone {
			return err
		}
	}
	if m.DefaultGroupID == nil {
		return nil
	}
	err = s.put(ctx, map[string]any{"default_group_id": *m.DefaultGroupID})
	if fault.CodeOf(err) == fault.TargetInvalid {
		return nil // the group is gone
	}
	return err
}
