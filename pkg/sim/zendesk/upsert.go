package zendesk

import "strings"

// match is the user that an upsert chose (1.3); nil means that one is created.
type match struct {
	user    *User
	byEmail bool // chosen by email although the external id is another user's
}

// matchUpsert applies the table of 1.3 and the switches for what it calls uncertain.
func (s *Sim) matchUpsert(in fields) (m match, ps problems) {
	f := form{in: in}
	external, _ := f.text("external_id")
	email, _ := f.text("email")
	email = strings.ToLower(strings.TrimSpace(email))
	q := s.opts.Quirks

	var byExternal, byEmail *User
	if external != "" {
		byExternal = s.users.external(external)
	}
	if email != "" {
		byEmail = s.users.address(email)
	}
	if byEmail != nil && q.UpsertIgnoresSecondary && (byEmail.Email == nil || *byEmail.Email != email) {
		if byEmail != byExternal {
			ps.taken("email", "Email: "+email+" is already being used by another user")
		}
		return match{user: byExternal}, ps
	}
	switch {
	case byExternal != nil && byEmail != nil && byExternal.ID != byEmail.ID:
		if q.UpsertPrefersEmail {
			return match{user: byEmail, byEmail: true}, nil
		}
		ps.taken("email", "Email: "+email+" is already being used by another user")
		return m, ps
	case byExternal != nil:
		return match{user: byExternal}, nil
	case byEmail != nil && byEmail.ExternalID != nil && external != "" && q.UpsertRefusesOtherExternal:
		ps.taken("email", "Email: "+email+" is already being used by another user")
		return m, ps
	}
	return match{user: byEmail}, nil
}

func (s *Sim) startUpsert(c cause, m match, in fields) *userWrite {
	w := s.startUser(c, m.user, in)
	w.ownExternal = m.byEmail
	w.emailReplace = m.user != nil && s.opts.Quirks.UpsertEmailBecomesPrimary
	return w
}
