package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// judge holds what the desk has against what the model says, and everything that the product wrote against what must
// never happen.
type judge struct {
	w       *world
	seen    int                        // effects looked at
	emails  map[string]map[string]bool // every address that a record ever had in the source, and in the desk before us
	names   map[string]bool            // every text that a record ever had, and organizations before us
	created map[string]int
	was     map[string]string // what the desk held of a record when it was last compared
	mail    map[string]string // its address then
	blurred map[string]bool   // records whose states since then are not all known to the model
	checked map[fate]int      // comparisons that were made, by what was wanted
	counts  map[store.Group][]count
	retired map[string]bool // records whose object stands for another one, which a person approved
}

func newJudge(w *world) *judge {
	return &judge{w: w, emails: map[string]map[string]bool{}, names: map[string]bool{"desk\x00seeded org": true}, created: map[string]int{}, was: map[string]string{}, mail: map[string]string{}, blurred: map[string]bool{}, checked: map[fate]int{},
		counts: map[store.Group][]count{}, retired: map[string]bool{}}
}

func (j *judge) blur(rec string) { j.blurred[rec] = true }

func (j *judge) blurAll() {
	for _, rec := range j.w.truth.records() {
		j.blur(rec)
	}
}

// remember notes the values that a record has had.
func (j *judge) remember(rec string) {
	if j.emails[rec] == nil {
		j.emails[rec] = map[string]bool{}
	}
	for _, l := range j.w.truth.of(rec, "") {
		if a := l.cells["email"]; a != "" {
			j.emails[rec][strings.ToLower(strings.TrimSpace(a))] = true
		}
		for _, v := range l.cells {
			j.names[rec+"\x00"+strings.ToLower(v)] = true
		}
	}
}

func external(rec string) string {
	if kindOf(rec) == record.Vendor {
		return "psft:vendor:" + strings.Replace(rec, "/", ":", 1)
	}
	return "psft:emp:" + rec
}

// recOf undoes external; "" for an object that is not ours.
func recOf(external string) string {
	if s, ok := strings.CutPrefix(external, "psft:emp:"); ok {
		return s
	}
	if s, ok := strings.CutPrefix(external, "psft:vendor:"); ok {
		return strings.Replace(s, ":", "/", 1)
	}
	return ""
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// object is a user or organization as far as it is compared.
type object struct {
	external, name, email, role string
	addresses                   []string
	suspended                   bool
	cells                       map[string]any
}

func seen(v any) object {
	switch x := v.(type) {
	case *sim.User:
		if x == nil {
			return object{}
		}
		o := object{external: text(x.ExternalID), name: x.Name, email: strings.ToLower(text(x.Email)), role: x.Role, suspended: x.Suspended, cells: x.UserFields}
		for _, i := range x.Identities {
			if i.Type == "email" {
				o.addresses = append(o.addresses, strings.ToLower(i.Value))
			}
		}
		return o
	case *sim.Organization:
		if x == nil {
			return object{}
		}
		return object{external: text(x.ExternalID), name: x.Name, cells: x.OrganizationFields}
	}
	return object{}
}

func (o object) String() string {
	return fmt.Sprintf("%s name=%q email=%q suspended=%v cells=%v", o.external, o.name, o.email, o.suspended, o.cells)
}

// safe looks at everything written since the last time (failures.md O3, O4, O6).
func (j *judge) safe() error {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if n := j.w.account.Counters().Deletes; n > 0 {
		bad("O4: %d deletes", n)
	}
	all := j.w.account.Effects()
	for _, e := range all[j.seen:] {
		if e.RequestID == "" || e.Kind != "user" && e.Kind != "organization" {
			continue
		}
		j.effect(e, bad)
	}
	j.seen = len(all)
	j.w.store.mu.Lock()
	wrong = append(wrong, j.w.store.wrong...)
	j.w.store.mu.Unlock()
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	return nil
}

func (j *judge) effect(e sim.Effect, bad func(string, ...any)) {
	before, after := seen(e.Before), seen(e.After)
	rec := recOf(after.external)
	switch {
	case rec == "":
		bad("O6: %s of %s %d without a record of ours: %s", e.Verb, e.Kind, e.ID, after)
		return
	case e.Verb == "create":
		if j.created[after.external]++; j.created[after.external] > 1 {
			bad("O3: %s was created twice", after.external)
		}
	case len(e.Changed) == 0:
		bad("O3: %s of %s changed nothing: %s", e.Verb, after.external, after)
	case before.external != "" && before.external != after.external:
		j.takeover(recOf(before.external), rec, before, bad)
	}
	j.guarded(rec, e, before, after, bad)
	if before.role != "" && (before.role != "end-user" || after.role != before.role) {
		bad("O6: %s of %s, who is %s", e.Verb, after.external, before.role)
	}
	if before.external == "" && e.Verb != "create" { // adopted: what it had is its own
		for _, a := range before.addresses {
			j.emails[rec][a] = true
		}
	}
	if _, known := j.emails[rec]; !known {
		bad("O6: %s of %s, a record that was never sent", e.Verb, after.external)
		return
	}
	for _, a := range after.addresses {
		if !j.emails[rec][a] && a != parked(after) {
			bad("O6: %s has the address %s, which was never its own", after.external, a)
		}
	}
	for _, v := range append(slices.Collect(maps.Values(after.cells)), any(after.name)) {
		if s, ok := v.(string); ok && (strings.HasPrefix(s, "of ") || strings.HasPrefix(s, "Person of ")) && strings.HasSuffix(s, marks[beta]) != (j.w.mark != "") {
			bad("O6: %s of %s has %q of another customer", after.external, j.w.tenant, s)
		}
	}
	if e.Kind == "user" && !strings.Contains(after.name, rec) && after.name != before.name && !j.names[rec+"\x00"+strings.ToLower(after.name)] {
		bad("O6: %s has the name %q of somebody else", after.external, after.name)
	}
	for k, v := range after.cells {
		if s, ok := v.(string); ok && e.Kind == "user" && strings.HasPrefix(s, "of ") && !strings.Contains(s, rec) && !before.has(k, v) && !j.names[rec+"\x00"+s] {
			bad("O6: %s has %s %q of somebody else", after.external, k, s)
		}
	}
}

// desk is everything that Zendesk holds of ours, by record.
func (j *judge) desk() map[string]object {
	out := map[string]object{}
	for _, u := range j.w.account.Users() {
		if rec := recOf(text(u.ExternalID)); rec != "" && u.Active {
			out[rec] = seen(&u)
		}
	}
	for _, o := range j.w.account.Organizations() {
		if rec := recOf(text(o.ExternalID)); rec != "" {
			out[rec] = seen(&o)
		}
	}
	return out
}

// agree compares Zendesk with the model at rest. Records with messages on their way and those that wait for a person
// are left out.
func (j *judge) agree() error {
	if err := j.safe(); err != nil {
		return err
	}
	var wrong []string
	day, desk, waits := j.w.today(), j.desk(), j.w.store.waits()
	for _, rec := range j.w.truth.records() {
		if kindOf(rec) == record.Reference {
			continue
		}
		o, there := desk[rec]
		_, held := waits[refOf(rec)]
		if held && there && !j.blurred[rec] && o.String() != j.was[rec] && j.w.store.guards(refOf(rec)) {
			wrong = append(wrong, fmt.Sprintf("O12: %s waits for a person and was changed\n  was  %s\n  have %s", rec, j.was[rec], o))
		}
		if j.retired[rec] && !there {
			delete(j.was, rec)
			continue
		}
		if j.w.waiting[rec] == 0 && !held {
			want := j.w.ideal(rec)
			j.checked[want.fate]++
			if why := j.differ(rec, want, o, there); why != "" {
				wrong = append(wrong, fmt.Sprintf("O2: %s on %s: %s\n  want %+v\n  have %s", rec, day, why, want, o))
			}
			delete(j.blurred, rec)
		} else {
			j.checked["excused"]++
			j.blur(rec)
		}
		if j.was[rec] != "" && !there {
			wrong = append(wrong, "O4: "+rec+" is gone")
		}
		if there {
			j.was[rec], j.mail[rec] = o.String(), o.email
		}
	}
	for _, d := range j.w.bus.dead {
		wrong = append(wrong, fmt.Sprintf("O1: dead letter of %s/%s: %s", d.Kind, d.Key, d.Detail))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// differ says how an object is not as the model wants it; "" when it is.
func (j *judge) differ(rec string, want ideal, o object, there bool) string {
	existed := j.was[rec] != ""
	switch {
	case want.fate == usable && !there:
		return "not there"
	case want.fate != usable && there && !existed && !j.blurred[rec]:
		return "was made although it may not be used"
	case want.fate == alone && !j.blurred[rec] && there && o.String() != j.was[rec]:
		return "should have been left as it was: " + j.was[rec]
	case want.fate == alone || !there:
		return ""
	case kindOf(rec) == record.Employee && o.suspended != (want.fate == barred):
		return fmt.Sprintf("suspended is %v", o.suspended)
	case want.fate == barred && existed && !j.blurred[rec] && o.email != j.mail[rec] && o.email != parked(o):
		return "a leaver's address was changed from " + j.mail[rec]
	case want.fate == usable && want.email != "" && o.email != want.email:
		return "the address"
	case o.name != want.name && want.name != "" && !(kindOf(rec) == record.Vendor && o.name == want.alt && j.shared(rec, want.name)):
		return "the name"
	}
	for k, v := range want.cells {
		if kindOf(rec) == record.Employee && (j.w.textsOnTheWay() || j.w.unmapped && k == "department") {
			continue
		}
		if got := o.cells[k]; got != v && !(v == "" && got == nil) {
			return k
		}
	}
	return ""
}

// shared tells whether another vendor ever had the name.
func (j *judge) shared(rec, name string) bool {
	for key := range j.names {
		other, n, _ := strings.Cut(key, "\x00")
		if other != rec && n == strings.ToLower(name) {
			return true
		}
	}
	return false
}
