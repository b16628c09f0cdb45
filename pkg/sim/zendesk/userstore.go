package zendesk

import (
	"slices"
	"strings"
	"time"
)

// userStore holds immutable users with an index for every way the API finds one.
type userStore struct {
	byID       map[int64]*User
	byExternal map[string]int64 // lower case; active users
	byAddress  map[string]int64 // lower case, primary and secondary; active users
	byPhone    map[string]int64 // direct lines
	order      []int64          // by creation, ids grow
	changes    changeLog
}

func newUserStore() userStore {
	return userStore{
		byID: map[int64]*User{}, byExternal: map[string]int64{}, byAddress: map[string]int64{}, byPhone: map[string]int64{},
	}
}

func (st *userStore) external(id string) *User { return st.byID[st.byExternal[strings.ToLower(id)]] }
func (st *userStore) address(a string) *User   { return st.byID[st.byAddress[strings.ToLower(a)]] }

// active is nil for unknown and for soft-deleted users.
func (st *userStore) active(id int64) *User {
	if u := st.byID[id]; u != nil && u.Active {
		return u
	}
	return nil
}

// put stores a new state of a user in every index.
func (st *userStore) put(u *User, at time.Time) {
	if before := st.byID[u.ID]; before != nil {
		st.forget(before)
	} else {
		st.order = append(st.order, u.ID)
	}
	u.change = st.changes.add(at, u.ID)
	st.byID[u.ID] = u
	if !u.Active {
		return
	}
	if u.ExternalID != nil {
		st.byExternal[strings.ToLower(*u.ExternalID)] = u.ID
	}
	for _, i := range u.Identities {
		if index := st.index(i.Type); index != nil {
			index[i.Value] = u.ID
		}
	}
}

func (st *userStore) forget(u *User) {
	delete(st.byExternal, strings.ToLower(u.external()))
	for _, i := range u.Identities {
		if index := st.index(i.Type); index != nil && index[i.Value] == u.ID {
			delete(index, i.Value)
		}
	}
}

func (st *userStore) index(kind string) map[string]int64 {
	switch kind {
	case typeEmail:
		return st.byAddress
	case typePhone:
		return st.byPhone
	}
	return nil
}

// after returns up to n active users behind an id that pass keep, and whether there are more.
func (st *userStore) after(id int64, n int, keep func(*User) bool) (out []*User, more bool) {
	from, _ := slices.BinarySearch(st.order, id+1)
	for _, next := range st.order[from:] {
		u := st.byID[next]
		if !u.Active || !keep(u) {
			continue
		}
		if len(out) == n {
			return out, true
		}
		out = append(out, u)
	}
	return out, false
}

// changeLog orders records by their last change: what an incremental export walks (7.5).
type changeLog struct{ list []change }

type change struct {
	at time.Time
	id int64
}

func (l *changeLog) add(at time.Time, id int64) int64 {
	l.list = append(l.list, change{at, id})
	return int64(len(l.list) - 1)
}

// since is the place of the first change at or after t.
func (l *changeLog) since(t time.Time) int64 {
	i, _ := slices.BinarySearchFunc(l.list, t, func(c change, t time.Time) int { return c.at.Compare(t) })
	return int64(i)
}

// commit makes a written user real, unless the write was ordered not to stick, and logs it. It says whether it stuck.
func (s *Sim) commit(c cause, before, after *User) bool {
	diff := userChanges(before, after)
	if before != nil && len(diff) == 0 {
		after = before
	} else {
		after.UpdatedAt = c.at
	}
	stuck := s.sticks(c, before == nil || len(diff) > 0)
	if stuck && after != before {
		s.users.put(after, c.at)
		s.announceUser(c, before, after, diff)
	}
	e := Effect{
		Kind: "user", ID: after.ID, ExternalID: after.external(), Verb: userVerb(c, before, after), Changed: diff, Lost: !stuck, After: after,
	}
	if before != nil {
		e.Before = before
	}
	s.log.add(c, e)
	return stuck
}

func userVerb(c cause, before, after *User) string {
	switch {
	case before == nil:
		return "create"
	case c.verb == "identity" || c.verb == "deactivate":
		return c.verb
	case !before.Suspended && after.Suspended:
		return "suspend"
	case before.Suspended && !after.Suspended:
		return "restore"
	}
	return "update"
}
