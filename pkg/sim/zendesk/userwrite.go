package zendesk

import (
	"encoding/json"
	"slices"
	"strings"
)

const userKeys = " name email role custom_role_id external_id suspended verified skip_verify_email user_fields organization_id" +
	" organization identities phone tags details notes alias signature time_zone locale locale_id default_group_id" +
	" ticket_restriction moderator only_private_comments restricted_agent remote_photo_url agent_brand_ids id "

// userWrite is one write of one user: a copy that becomes real only when nothing is wrong.
type userWrite struct {
	form
	s      *Sim
	c      cause
	before *User // nil = create
	u      *User

	skipVerify   bool
	emailReplace bool // a new email becomes the primary one (Quirks.UpsertEmailBecomesPrimary)
	ownExternal  bool // leave the external id alone (Quirks.UpsertPrefersEmail)
	mails        int64
	newOrg       bool
}

func (s *Sim) startUser(c cause, before *User, in fields) *userWrite {
	w := &userWrite{form: form{in: in, limit: s.opts.Quirks.MaxLength}, s: s, c: c, before: before}
	if before != nil {
		w.u = before.copy()
		return w
	}
	restriction := "requested"
	w.u = &User{
		ID: s.nextID(), CreatedAt: c.at, UpdatedAt: c.at, TimeZone: "America/New_York", IANATimeZone: "America/New_York",
		LocaleID: 1, Locale: "en-US", Role: roleEndUser, Active: true, TicketRestriction: &restriction, RestrictedAgent: true,
	}
	w.u.URL = s.link("users/%d.json", w.u.ID)
	return w
}

// run applies every key; the user is stored only when the result has no problems.
func (w *userWrite) run() (*User, problems) {
	w.flag("skip_verify_email", &w.skipVerify)
	w.naming()
	w.roles()
	w.suspension()
	w.emails()
	w.phone()
	w.places()
	w.texts()
	w.customs()
	w.ignore(userKeys)
	if len(w.bad) > 0 {
		return nil, w.bad
	}
	w.u.sync()
	w.newOrg = w.newOrg || w.s.joinByDomain(w.before, w.u)
	if w.s.commit(w.c, w.before, w.u) && w.newOrg {
		w.s.members.replace(w.s, w.c, w.u.ID, w.u.OrganizationID)
	}
	w.s.counters.Mails += w.mails
	return w.u, nil
}

func (w *userWrite) naming() {
	name, sent := w.text("name")
	if sent {
		w.u.Name = name
	}
	if (sent || w.before == nil) && strings.TrimSpace(name) == "" && !w.complained("name") {
		w.bad.add("name", "Name: is too short (minimum is 1 characters)")
	}
	ext, sent := w.text("external_id")
	if !sent || w.ownExternal {
		return
	}
	if ext == "" {
		w.u.ExternalID = nil
		return
	}
	if owner := w.s.users.external(ext); owner != nil && owner.ID != w.u.ID {
		w.bad.taken("external_id", "External has already been taken")
		return
	}
	w.u.ExternalID = &ext
}

func (w *userWrite) complained(field string) bool {
	return slices.ContainsFunc(w.bad, func(p problem) bool { return p.field == field })
}

func (w *userWrite) roles() {
	role, sent := w.text("role")
	if sent && !slices.Contains([]string{roleEndUser, roleAgent, roleAdmin}, role) {
		w.refuse("role")
		return
	}
	if sent && role != roleEndUser && w.u.Role == roleEndUser && !w.s.seatLeft() {
		w.bad.add("role", "Role: Subscription limit reached")
		return
	}
	if sent {
		w.u.Role = role
	}
	var custom *int64
	if w.number("custom_role_id", &custom) {
		w.u.CustomRoleID = custom
		if custom != nil && w.u.Role == roleEndUser {
			w.u.Role = roleAgent // an end-user with a custom role is an agent (1.2)
		}
	}
	if w.u.Role == roleEndUser {
		w.u.CustomRoleID, w.u.DefaultGroupID, w.u.Groups = nil, nil, nil // and groups are lost (1.6)
	}
	w.u.RoleType = roleType(w.u.Role, w.u.CustomRoleID)
	if w.u.ID == w.s.owner && w.before != nil && w.u.Role != w.before.Role {
		w.protect("role")
	}
}

// seatLeft counts agents and admins against Options.Seats; a suspended agent holds his seat (1.6).
func (s *Sim) seatLeft() bool {
	if s.opts.Seats <= 0 {
		return true
	}
	taken := 0
	for _, u := range s.users.byID {
		if u.Active && u.Role != roleEndUser {
			taken++
		}
	}
	return taken < s.opts.Seats
}

// roleType is 4 for admins, 0 for custom roles and null for end users (1.2).
func roleType(role string, custom *int64) *int {
	switch {
	case role == roleAdmin:
		return new(4)
	case role == roleAgent && custom != nil:
		return new(0)
	}
	return nil
}

func (w *userWrite) protect(field string) {
	w.bad = append(w.bad, problem{field: field, forbidden: true, text: "You cannot do this to the account owner. Please contact the account owner of this help desk for further help."})
}

func (w *userWrite) suspension() {
	if w.s.opts.Quirks.RoleWithSuspendedHalf && w.sent("role") {
		return
	}
	w.flag("suspended", &w.u.Suspended)
	if w.u.ID == w.s.owner && w.u.Suspended {
		w.protect("suspended")
	}
}

// emails follows the table of 1.5: on create an email is primary, on update it is one more address.
func (w *userWrite) emails() {
	verified := false
	hasVerified := w.flag("verified", &verified)
	email, sent := w.text("email")
	email = strings.ToLower(strings.TrimSpace(email))
	switch {
	case sent && email != "":
		w.address(email, verified, w.before == nil || w.u.primary(typeEmail) < 0)
	case hasVerified:
		if i := w.u.primary(typeEmail); i >= 0 {
			w.u.Identities[i].Verified = verified
		}
	}
	if w.before == nil {
		w.extras()
	}
}

// address adds an address, or refuses it; an address the user already has stays as it is.
func (w *userWrite) address(email string, verified, primary bool) {
	if !mailShaped(email) {
		w.bad.add("email", "Email: "+email+" is not properly formatted")
		return
	}
	if owner := w.s.users.address(email); owner != nil {
		if owner.ID != w.u.ID {
			w.bad.taken("email", "Email: "+email+" is already being used by another user")
		}
		return
	}
	if i := w.u.primary(typeEmail); i >= 0 && w.emailReplace {
		w.u.Identities[i].Value, w.u.Identities[i].Verified, w.u.Identities[i].UpdatedAt = email, verified, w.c.at
	} else {
		w.u.Identities = append(w.u.Identities, w.s.identity(w.c, w.u.ID, typeEmail, email, verified, primary))
	}
	if !verified && !w.skipVerify {
		w.mails++
	}
}

// extras are the write-only identities of a create.
func (w *userWrite) extras() {
	var list []struct{ Type, Value string }
	if raw, sent := w.in["identities"]; sent && json.Unmarshal(raw, &list) != nil {
		w.refuse("identities")
	}
	for _, extra := range list {
		if extra.Type == typeEmail {
			w.address(strings.ToLower(extra.Value), false, w.u.primary(typeEmail) < 0)
			continue
		}
		w.u.Identities = append(w.u.Identities, w.s.identity(w.c, w.u.ID, extra.Type, extra.Value, false, w.u.primary(extra.Type) < 0))
	}
}

func mailShaped(a string) bool {
	local, domain, found := strings.Cut(a, "@")
	host := strings.Trim(strings.ToLower(domain), "abcdefghijklmnopqrstuvwxyz0123456789-.")
	return found && local != "" && !strings.ContainsAny(local, " ,;<>()[]\"\\") && host == "" &&
		strings.Contains(strings.Trim(domain, "."), ".") && strings.Trim(domain, ".") == domain && !strings.Contains(a, "..")
}

// phone: a free number becomes the direct line with an identity, a used one is shared, a second one is secondary (1.2).
func (w *userWrite) phone() {
	number, sent := w.text("phone")
	if !sent {
		return
	}
	if number == "" {
		w.u.Phone, w.u.SharedPhoneNumber = nil, nil
		w.u.Identities = slices.DeleteFunc(w.u.Identities, func(i Identity) bool { return i.Type == typePhone })
		return
	}
	owner, used := w.s.users.byPhone[number]
	switch {
	case used && owner == w.u.ID:
	case used:
		w.u.Phone, w.u.SharedPhoneNumber = &number, new(true)
	case w.u.primary(typePhone) >= 0:
		w.u.Identities = append(w.u.Identities, w.s.identity(w.c, w.u.ID, typePhone, number, false, false))
	default:
		w.u.Phone, w.u.SharedPhoneNumber = &number, new(false)
		w.u.Identities = append(w.u.Identities, w.s.identity(w.c, w.u.ID, typePhone, number, false, true))
	}
}
