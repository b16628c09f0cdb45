package zendesk

import (
	"net/http"
	"slices"
	"strings"
)

func (s *Sim) getOrg(c *call) reply {
	id, _ := c.pathID()
	if o := s.orgs.byID[id]; o != nil {
		return ok(obj{"organization": s.showOrg(o)})
	}
	return notFound()
}

func (s *Sim) listOrgs(c *call) reply {
	if c.r.URL.Query().Has("page[size]") {
		return cursorPage(s, c, "organizations", func(after int64, n int) (out []*Organization, last int64, more bool) {
			list, more := s.orgs.after(after, n)
			if len(list) > 0 {
				last = list[len(list)-1].ID
			}
			return s.showOrgs(list), last, more
		})
	}
	all, _ := s.orgs.after(0, len(s.orgs.order))
	return offsetPageOf(s, c, "organizations", all, s.showOrgs)
}

// searchOrgs is exact without case, by external_id or by name, not both (2).
func (s *Sim) searchOrgs(c *call) reply {
	external, name := c.query("external_id"), c.query("name")
	if (external == "") == (name == "") {
		return reply{status: http.StatusBadRequest, body: obj{"error": "InvalidParameter", "description": "Specify either name or external_id"}}
	}
	var found []*Organization
	if o := s.orgs.external(external); external != "" && o != nil {
		found = append(found, o)
	}
	if o := s.orgs.byID[s.orgs.byName[strings.ToLower(name)]]; name != "" && o != nil {
		found = append(found, o)
	}
	return offsetPageOf(s, c, "organizations", found, s.showOrgs)
}

func (s *Sim) autocompleteOrgs(c *call) reply {
	prefix := strings.ToLower(c.query("name"))
	all, _ := s.orgs.after(0, len(s.orgs.order))
	all = slices.DeleteFunc(all, func(o *Organization) bool { return prefix == "" || !strings.HasPrefix(strings.ToLower(o.Name), prefix) })
	return offsetPageOf(s, c, "organizations", all, s.showOrgs)
}

func (s *Sim) showManyOrgs(c *call) reply {
	ids, externals := c.list("ids"), c.list("external_ids")
	if len(ids)+len(externals) > maxBulk {
		return tooManyValues("show_many")
	}
	found := []*Organization{}
	add := func(o *Organization) {
		if o != nil && !slices.Contains(found, o) {
			found = append(found, o)
		}
	}
	for _, id := range numbers(ids) {
		add(s.orgs.byID[id])
	}
	for _, e := range externals {
		add(s.orgs.external(e))
	}
	return ok(obj{"organizations": s.showOrgs(found), "next_page": nil, "previous_page": nil, "count": len(found)})
}

func (s *Sim) writeOrg(c *call, before *Organization, in fields) reply {
	w := s.startOrg(c.cause(""), before, in)
	o, ps := w.run()
	c.warn(&w.form)
	if ps != nil {
		return s.invalid(ps)
	}
	a := ok(obj{"organization": s.showOrg(o)})
	if before == nil {
		a.status, a.header = http.StatusCreated, http.Header{"Location": {o.URL}}
	}
	return a
}

func (s *Sim) createOrg(c *call) reply {
	in, bad := c.object("organization")
	if bad != nil {
		return *bad
	}
	return s.writeOrg(c, nil, in)
}

func (s *Sim) updateOrg(c *call) reply {
	id, _ := c.pathID()
	o := s.orgs.byID[id]
	if o == nil {
		return notFound()
	}
	if refusal := s.spendOrg(c, id); refusal != nil {
		return *refusal
	}
	in, bad := c.object("organization")
	if bad != nil {
		return *bad
	}
	return s.writeOrg(c, o, in)
}

// upsertOrg matches id or external_id, never the name (2).
func (s *Sim) upsertOrg(c *call) reply {
	in, bad := c.object("organization")
	if bad != nil {
		return *bad
	}
	f := form{in: in}
	var id *int64
	if f.number("id", &id); id != nil {
		o := s.orgs.byID[*id]
		if o == nil {
			return notFound()
		}
		return s.writeOrg(c, o, in)
	}
	var before *Organization
	if external, _ := f.text("external_id"); external != "" {
		before = s.orgs.external(external)
	}
	return s.writeOrg(c, before, in)
}
