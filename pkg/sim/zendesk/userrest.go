package zendesk

import (
	"encoding/json"
	"slices"
	"strings"
)

// places are the organization and the group of a user; writing organization_id drops the other memberships (1.2).
func (w *userWrite) places() {
	var org *int64
	if w.number("organization_id", &org) {
		if org != nil && w.s.orgs.byID[*org] == nil {
			w.refuse("organization_id")
			return
		}
		w.u.OrganizationID, w.newOrg = org, true
	} else if raw, sent := w.in["organization"]; sent && len(w.bad) == 0 {
		w.attach(raw)
	}
	w.number("default_group_id", &w.u.DefaultGroupID)
}

// attach joins the organization with that name and makes it when missing (1.2, uncertain there).
func (w *userWrite) attach(raw json.RawMessage) {
	var named struct{ Name string }
	if json.Unmarshal(raw, &named) != nil || named.Name == "" {
		w.refuse("organization")
		return
	}
	if id, known := w.s.orgs.byName[strings.ToLower(named.Name)]; known {
		w.u.OrganizationID, w.newOrg = &id, true
		return
	}
	o, ps := w.s.startOrg(w.c, nil, fields{"name": encode(named.Name)}).run()
	if ps != nil {
		w.bad = append(w.bad, ps...)
		return
	}
	w.u.OrganizationID, w.newOrg = &o.ID, true
}

// texts are the fields that are written as sent.
func (w *userWrite) texts() {
	w.optional("details", &w.u.Details)
	w.optional("notes", &w.u.Notes)
	w.optional("signature", &w.u.Signature)
	w.optional("ticket_restriction", &w.u.TicketRestriction)
	w.optional("alias", &w.u.Alias)
	if w.sent("alias") && w.u.Alias == nil {
		w.u.Alias = new("") // null reads back as "" (1.2)
	}
	w.plain("time_zone", &w.u.TimeZone)
	w.plain("locale", &w.u.Locale)
	if locale := new(w.u.LocaleID); w.number("locale_id", &locale) && locale != nil {
		w.u.LocaleID = *locale
	}
	w.flag("moderator", &w.u.Moderator)
	w.flag("only_private_comments", &w.u.OnlyPrivateComments)
	w.flag("restricted_agent", &w.u.RestrictedAgent)
	if tags, sent := w.tags("tags"); sent {
		w.u.Tags = tags
	}
}

// customs merges user_fields key by key; a dropdown value is also a tag (7.1).
func (w *userWrite) customs() {
	raw, sent := w.in["user_fields"]
	if !sent || string(raw) == "null" {
		return
	}
	var values fields
	if json.Unmarshal(raw, &values) != nil {
		w.refuse("user_fields")
		return
	}
	w.u.UserFields, w.u.Tags = w.s.defs["user"].merge(&w.form, w.s.opts.Quirks.RefuseUnknownFields, w.u.UserFields, w.u.Tags, values)
}

// joinByDomain adds a user without organization to the one that the domain of a newly verified address is mapped to (1.4).
func (s *Sim) joinByDomain(before, u *User) bool {
	if u.OrganizationID != nil {
		return false
	}
	for _, i := range u.Identities {
		if i.Type != typeEmail || !i.Verified || before.verifiedBefore(i) {
			continue
		}
		_, domain, _ := strings.Cut(i.Value, "@")
		if id, mapped := s.orgs.byDomain[domain]; mapped {
			u.OrganizationID = &id
			return true
		}
	}
	return false
}

func (u *User) verifiedBefore(i Identity) bool {
	return u != nil && slices.ContainsFunc(u.Identities, func(old Identity) bool {
		return old.ID == i.ID && old.Value == i.Value && old.Verified
	})
}
