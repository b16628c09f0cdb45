package zendesk

import (
	"net/http"
	"slices"
	"strings"
)

func (s *Sim) getUser(c *call) reply {
	id, _ := c.pathID()
	u := s.users.byID[id]
	if u == nil || !u.Active && s.opts.Quirks.DeletedAre404 {
		return notFound()
	}
	return ok(obj{"user": s.show(u)})
}

// me answers 200 for an anonymous caller too (5.6).
func (s *Sim) me(c *call) reply {
	if c.who == nil {
		anonymous := obj{"id": nil, "name": "Anonymous user", "email": "invalid@example.com", "role": roleEndUser, "active": false, "suspended": false}
		if s.opts.Quirks.AnonymousWithoutID {
			anonymous = obj{"name": "Anonymous user"}
		}
		return ok(obj{"user": anonymous})
	}
	type mine struct {
		*User
		AuthenticityToken string `json:"authenticity_token"`
	}
	return ok(obj{"user": mine{s.show(s.users.byID[c.who.user]), "sim-authenticity-token-never-log-this"}})
}

func (s *Sim) createUser(c *call) reply {
	if refusal := s.spend(c, "create-user", s.opts.CreatePerMinute, 60e9, "Too many requests to create users"); refusal != nil {
		return *refusal
	}
	in, bad := c.object("user")
	if bad != nil {
		return *bad
	}
	return s.writeUser(c, s.startUser(c.cause(""), nil, in))
}

// writeUser answers 201 for a new and 200 for a known user.
func (s *Sim) writeUser(c *call, w *userWrite) reply {
	u, ps := w.run()
	c.warn(&w.form)
	if ps != nil {
		return s.invalid(ps)
	}
	a := ok(obj{"user": s.show(u)})
	if w.before == nil {
		a.status, a.header = http.StatusCreated, http.Header{"Location": {u.URL}}
	}
	return a
}

func (s *Sim) updateUser(c *call) reply {
	if refusal := s.spendUpsert(c, "update-user"); refusal != nil {
		return *refusal
	}
	id, _ := c.pathID()
	u := s.users.active(id)
	if u == nil {
		return notFound()
	}
	if refusal := s.spendUser(c, id); refusal != nil {
		return *refusal
	}
	in, bad := c.object("user")
	if bad != nil {
		return *bad
	}
	return s.writeUser(c, s.startUser(c.cause(""), u, in))
}

func (s *Sim) upsertUser(c *call) reply {
	if refusal := s.spendUpsert(c, "create-or-update-user"); refusal != nil {
		return *refusal
	}
	in, bad := c.object("user")
	if bad != nil {
		return *bad
	}
	m, ps := s.matchUpsert(in)
	if ps != nil {
		return s.invalid(ps)
	}
	if m.user != nil {
		if refusal := s.spendUser(c, m.user.ID); refusal != nil {
			return *refusal
		}
	}
	return s.writeUser(c, s.startUpsert(c.cause(""), m, in))
}

// showUsers leaves out what it does not know (1.1).
func (s *Sim) showUsers(c *call) reply {
	ids, externals := c.list("ids"), c.list("external_ids")
	if len(ids)+len(externals) > maxBulk {
		return tooManyValues("show_many")
	}
	found := []*User{}
	add := func(u *User) {
		if u != nil && u.Active && !slices.Contains(found, u) {
			found = append(found, u)
		}
	}
	for _, id := range numbers(ids) {
		add(s.users.byID[id])
	}
	for _, e := range externals {
		add(s.users.external(e))
	}
	return ok(obj{"users": s.showAll(found), "next_page": nil, "previous_page": nil, "count": len(found)})
}

// listUsers pages by cursor or offset; external_id is an exact filter, role a simple one.
func (s *Sim) listUsers(c *call) reply {
	if external := c.query("external_id"); external != "" {
		return offsetPage(s, c, "users", s.exact(external))
	}
	roles := append(c.r.URL.Query()["role[]"], c.list("role")...)
	keep := func(u *User) bool { return len(roles) == 0 || slices.Contains(roles, u.Role) }
	if c.r.URL.Query().Has("page[size]") {
		return cursorPage(s, c, "users", func(after int64, n int) (out []*User, last int64, more bool) {
			list, more := s.users.after(after, n, keep)
			if len(list) > 0 {
				last = list[len(list)-1].ID
			}
			return s.showAll(list), last, more
		})
	}
	all, _ := s.users.after(0, len(s.users.order), keep)
	return offsetPageOf(s, c, "users", all, s.showAll)
}

func (s *Sim) exact(external string) []*User {
	if u := s.users.external(external); u != nil {
		return []*User{s.show(u)}
	}
	return []*User{}
}

// searchUsers finds by external id or by text: an address finds its owner, anything else is part of a name (1.1).
func (s *Sim) searchUsers(c *call) reply {
	if c.r.URL.Query().Has("page[size]") {
		return reply{status: http.StatusBadRequest, body: obj{"error": "InvalidParameter", "description": "page must be an integer"}}
	}
	if external := c.query("external_id"); external != "" {
		return offsetPage(s, c, "users", s.exact(external))
	}
	return offsetPage(s, c, "users", s.showAll(s.findUsers(c, c.query("query"))))
}

func (s *Sim) findUsers(c *call, query string) (out []*User) {
	text := strings.Trim(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(query)), "email:"), `"' `)
	text = strings.TrimSpace(strings.TrimPrefix(text, "type:user"))
	fresh := func(u *User) bool { return c.now.Sub(u.CreatedAt) < s.opts.SearchLag }
	if external, is := strings.CutPrefix(text, "external_id:"); is {
		text = ""
		if u := s.users.external(external); u != nil && !fresh(u) {
			out = append(out, u)
		}
	}
	if u := s.users.address(text); u != nil && !fresh(u) {
		return append(out, u)
	}
	if text == "" || strings.Contains(text, "@") {
		return out
	}
	all, _ := s.users.after(0, len(s.users.order), func(u *User) bool {
		return !fresh(u) && strings.Contains(strings.ToLower(u.Name), strings.TrimPrefix(text, "name:"))
	})
	return all
}

func (s *Sim) countUsers(c *call) reply {
	n := 0
	for _, u := range s.users.byID {
		if u.Active {
			n++
		}
	}
	return ok(obj{"count": obj{"value": n, "refreshed_at": c.now}})
}

func (s *Sim) userTags(c *call) reply {
	id, _ := c.pathID()
	u := s.users.active(id)
	if u == nil {
		return notFound()
	}
	if c.r.Method == http.MethodGet {
		return ok(obj{"tags": s.show(u).Tags})
	}
	var in fields
	if c.decode(&in) != nil {
		return *badJSON()
	}
	f := form{in: in}
	tags, sent := f.tags("tags")
	if !sent {
		return *badAttribute("tags", "an array")
	}
	after := u.copy()
	status := http.StatusCreated
	if c.r.Method == http.MethodPut { // PUT adds, POST sets (1.1)
		tags, status = slices.Concat(u.Tags, tags), http.StatusOK
		slices.Sort(tags)
		tags = slices.Compact(tags)
	}
	after.Tags = tags
	s.commit(c.cause(""), u, after)
	return reply{status: status, body: obj{"tags": after.Tags}}
}
