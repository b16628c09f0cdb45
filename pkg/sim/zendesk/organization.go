package zendesk

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Organization is an organization as the API shows it (2).
type Organization struct {
	URL                string         `json:"url"`
	ID                 int64          `json:"id"`
	Name               string         `json:"name"`
	SharedTickets      bool           `json:"shared_tickets"`
	SharedComments     bool           `json:"shared_comments"`
	ExternalID         *string        `json:"external_id"`
	CreatedAt          time.Time      `json:"created_at"`
	UpdatedAt          time.Time      `json:"updated_at"`
	DomainNames        []string       `json:"domain_names"`
	Details            *string        `json:"details"`
	Notes              *string        `json:"notes"`
	GroupID            *int64         `json:"group_id"`
	Tags               []string       `json:"tags"`
	OrganizationFields map[string]any `json:"organization_fields"`

	change int64
}

type orgStore struct {
	byID       map[int64]*Organization
	byExternal map[string]int64 // lower case
	byName     map[string]int64 // lower case
	byDomain   map[string]int64
	order      []int64
	changes    changeLog
}

func newOrgStore() orgStore {
	return orgStore{
		byID: map[int64]*Organization{}, byExternal: map[string]int64{}, byName: map[string]int64{}, byDomain: map[string]int64{},
	}
}

func (o *Organization) external() string {
	if o.ExternalID == nil {
		return ""
	}
	return *o.ExternalID
}

func (o *Organization) copy() *Organization {
	c := *o
	c.Tags, c.DomainNames, c.OrganizationFields = slices.Clone(o.Tags), slices.Clone(o.DomainNames), maps.Clone(o.OrganizationFields)
	return &c
}

func (st *orgStore) external(id string) *Organization {
	return st.byID[st.byExternal[strings.ToLower(id)]]
}

func (st *orgStore) put(o *Organization, at time.Time) {
	if before := st.byID[o.ID]; before != nil {
		st.forget(before)
	} else {
		st.order = append(st.order, o.ID)
	}
	o.change = st.changes.add(at, o.ID)
	st.byID[o.ID] = o
	if o.ExternalID != nil {
		st.byExternal[strings.ToLower(*o.ExternalID)] = o.ID
	}
	if _, held := st.byName[strings.ToLower(o.Name)]; !held {
		st.byName[strings.ToLower(o.Name)] = o.ID
	}
	for _, d := range o.DomainNames {
		st.byDomain[d] = o.ID
	}
}

func (st *orgStore) forget(o *Organization) {
	delete(st.byExternal, strings.ToLower(o.external()))
	if name := strings.ToLower(o.Name); st.byName[name] == o.ID {
		delete(st.byName, name)
	}
	for _, d := range o.DomainNames {
		if st.byDomain[d] == o.ID {
			delete(st.byDomain, d)
		}
	}
}

// after returns up to n organizations behind an id.
func (st *orgStore) after(id int64, n int) (out []*Organization, more bool) {
	from, _ := slices.BinarySearch(st.order, id+1)
	for _, next := range st.order[from:] {
		if len(out) == n {
			return out, true
		}
		out = append(out, st.byID[next])
	}
	return out, false
}

func (s *Sim) showOrg(o *Organization) *Organization {
	c := *o
	c.OrganizationFields = s.defs["organization"].show(o.OrganizationFields)
	c.Tags, c.DomainNames = append([]string{}, o.Tags...), append([]string{}, o.DomainNames...)
	return &c
}

func (s *Sim) showOrgs(os []*Organization) []*Organization {
	out := make([]*Organization, 0, len(os))
	for _, o := range os {
		out = append(out, s.showOrg(o))
	}
	return out
}

// Organizations returns every organization, oldest first.
func (s *Sim) Organizations() (out []Organization) {
	s.locked(func(time.Time) {
		for _, id := range s.orgs.order {
			out = append(out, *s.showOrg(s.orgs.byID[id]))
		}
	})
	return out
}

const orgKeys = " id name external_id domain_names details notes organization_fields tags group_id shared_tickets shared_comments "

type orgWrite struct {
	form
	s      *Sim
	c      cause
	before *Organization
	o      *Organization
}

func (s *Sim) startOrg(c cause, before *Organization, in fields) *orgWrite {
	w := &orgWrite{form: form{in: in, limit: s.opts.Quirks.MaxLength}, s: s, c: c, before: before}
	if before != nil {
		w.o = before.copy()
		return w
	}
	w.o = &Organization{ID: s.nextID(), CreatedAt: c.at, UpdatedAt: c.at}
	w.o.URL = s.link("organizations/%d.json", w.o.ID)
	return w
}

func (w *orgWrite) run() (*Organization, problems) {
	w.naming()
	w.optional("details", &w.o.Details)
	w.optional("notes", &w.o.Notes)
	w.flag("shared_tickets", &w.o.SharedTickets)
	w.flag("shared_comments", &w.o.SharedComments)
	w.number("group_id", &w.o.GroupID)
	if tags, sent := w.tags("tags"); sent {
		w.o.Tags = tags
	}
	if domains, sent := w.tags("domain_names"); sent {
		w.o.DomainNames = domains
	}
	var values fields
	if raw, sent := w.in["organization_fields"]; sent && json.Unmarshal(raw, &values) == nil {
		w.o.OrganizationFields, w.o.Tags = w.s.defs["organization"].merge(&w.form, w.s.opts.Quirks.RefuseUnknownFields, w.o.OrganizationFields, w.o.Tags, values)
	}
	w.ignore(orgKeys)
	if len(w.bad) > 0 {
		return nil, w.bad
	}
	w.s.commitOrg(w.c, w.before, w.o)
	return w.o, nil
}

func (w *orgWrite) naming() {
	name, sent := w.text("name")
	if sent {
		w.o.Name = name
	}
	switch holder := w.s.orgs.byID[w.s.orgs.byName[strings.ToLower(w.o.Name)]]; {
	case (sent || w.before == nil) && strings.TrimSpace(name) == "":
		w.bad.add("name", "Name: is too short (minimum is 1 characters)")
	case holder != nil && holder.ID != w.o.ID && !w.racing(holder):
		w.bad.taken("name", "Name: "+w.o.Name+" has already been taken")
	}
	ext, sent := w.text("external_id")
	if !sent {
		return
	}
	if ext == "" {
		w.o.ExternalID = nil
		return
	}
	if holder := w.s.orgs.external(ext); holder != nil && holder.ID != w.o.ID {
		w.bad.taken("external_id", "External has already been taken")
		return
	}
	w.o.ExternalID = &ext
}

// racing: names are checked without a lock, so two creates close together both succeed (2).
func (w *orgWrite) racing(holder *Organization) bool {
	return w.before == nil && w.s.opts.Quirks.DuplicateNameWindow > 0 && w.c.at.Sub(holder.CreatedAt) < w.s.opts.Quirks.DuplicateNameWindow
}

func (s *Sim) commitOrg(c cause, before, after *Organization) {
	diff := []string{}
	if before != nil {
		if diff = changed(*before, *after, "updated_at"); len(diff) == 0 {
			after = before
		}
	}
	if after != before {
		after.UpdatedAt = c.at
	}
	stuck := s.sticks(c, before == nil || len(diff) > 0)
	if stuck && after != before {
		s.orgs.put(after, c.at)
		s.announceOrg(c, before, after, diff)
	}
	e := Effect{Kind: "organization", ID: after.ID, ExternalID: after.external(), Verb: "create", Changed: diff, Lost: !stuck, After: after}
	if before != nil {
		e.Verb, e.Before = "update", before
	}
	s.log.add(c, e)
}
