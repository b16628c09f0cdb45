package zendesk

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const maxExport = 1000 // records in a page of an incremental export (7.5)

// exportedUser is a user in an export, which names the permanently deleted ones (1.2); this account has none.
type exportedUser struct {
	*User
	PermanentlyDeleted bool `json:"permanently_deleted"`
}

func (s *Sim) spendIncremental(c *call) *reply {
	return s.spend(c, "incremental-exports", s.opts.IncrementalPerMinute, time.Minute, "Number of allowed incremental export API requests per minute exceeded")
}

// startTime reads start_time, which must lie a minute back (7.5).
func (c *call) startTime() (t time.Time, refusal *reply) {
	n, err := strconv.ParseInt(c.query("start_time"), 10, 64)
	if err != nil {
		return t, &reply{status: http.StatusBadRequest, body: obj{"error": "InvalidValue", "description": "start_time is required"}}
	}
	t = time.Unix(n, 0)
	if c.now.Sub(t) < time.Minute {
		return t, &reply{status: http.StatusUnprocessableEntity, body: obj{"error": "StartTimeTooRecent", "description": "Too recent start_time. Use a start_time older than 60 seconds"}}
	}
	return t, nil
}

// exportUsers streams every changed user once per page walk, soft-deleted ones too.
func (s *Sim) exportUsers(c *call) reply {
	if refusal := s.spendIncremental(c); refusal != nil {
		return *refusal
	}
	size := maxExport
	if n, err := strconv.Atoi(c.query("per_page")); err == nil && n > 0 {
		size = min(n, maxExport)
	}
	at, valid := cursorID(c.query("cursor"))
	if !valid {
		return reply{status: http.StatusBadRequest, body: obj{"error": "InvalidCursor", "description": "cursor is not valid"}}
	}
	if !c.r.URL.Query().Has("cursor") {
		start, refusal := c.startTime()
		if refusal != nil {
			return *refusal
		}
		at = s.users.changes.since(start)
	}
	list := []exportedUser{}
	log := s.users.changes.list
	shown := c.now.Add(-s.opts.ExportLag)
	young := func(at int64) bool { return s.opts.ExportLag > 0 && log[at].at.After(shown) }
	for ; at < int64(len(log)) && len(list) < size && !young(at); at++ {
		if u := s.users.byID[log[at].id]; u.change == at {
			list = append(list, exportedUser{User: s.show(u)})
		}
	}
	cursor := cursorText(at)
	next := s.opts.BaseURL + "/api/v2/incremental/users/cursor.json?" + url.Values{"cursor": {cursor}}.Encode()
	return ok(obj{
		"users": list, "after_url": next, "after_cursor": cursor, "before_url": nil, "before_cursor": nil,
		"end_of_stream": at >= int64(len(log)) || young(at),
	})
}

// exportOrgs is the time-based form: a page ends at the end of a second, so that none is lost between pages.
func (s *Sim) exportOrgs(c *call) reply {
	if refusal := s.spendIncremental(c); refusal != nil {
		return *refusal
	}
	start, refusal := c.startTime()
	if refusal != nil && !s.followsExport(start) {
		return *refusal
	}
	log := s.orgs.changes.list
	list, end := []*Organization{}, start
	at := s.orgs.changes.since(start)
	for ; at < int64(len(log)); at++ {
		if len(list) >= maxExport && log[at].at.After(end) {
			break
		}
		if o := s.orgs.byID[log[at].id]; o.change == at {
			list, end = append(list, s.showOrg(o)), log[at].at
		}
	}
	done := at >= int64(len(log))
	if !done {
		end = log[at].at
	}
	body := obj{"organizations": list, "count": len(list), "end_of_stream": done, "end_time": end.Unix(), "next_page": s.link("incremental/organizations.json?start_time=%d", end.Unix())}
	return ok(body)
}

// followsExport lets a page border of an earlier answer be younger than a minute.
func (s *Sim) followsExport(start time.Time) bool {
	at := s.orgs.changes.since(start)
	return at < int64(len(s.orgs.changes.list)) && s.orgs.changes.list[at].at.Equal(start)
}
