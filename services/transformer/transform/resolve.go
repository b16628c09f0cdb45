package transform

import (
	"fmt"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// Flag is a finding about a record that did not stop it, or says why it is left untouched.
type Flag struct {
	Code   fault.Code
	Hold   bool   // the record waits for somebody to act
	Detail string // one sentence, never a personal value
}

// Decision is what the desk should hold for a record on a day, and why.
type Decision struct {
	Entry   directory.Entry
	Flags   []Flag    // each code once, in the order found
	Explain []string  // the reasons, in order; never a personal value
	Text    string    // of reference data, which has no entry
	Next    erp.Date  // first later day on which the decision may change by itself; "" when there is none
	Until   time.Time // the instant on Next, when it is not the start of the day
}

// Codes lists the codes of the flags.
func (d Decision) Codes() []fault.Code {
	var list []fault.Code
	for _, f := range d.Flags {
		list = append(list, f.Code)
	}
	return list
}

// EmployeeID is the external id of an employee (design.md 8).
func EmployeeID(key string) string { return "psft:emp:" + key }

// VendorID is the external id of a vendor (design.md 8): psft:vendor:<SETID>:<VENDOR_ID>.
func VendorID(key string) string {
	set, id, ok := record.SplitVendorKey(key)
	if !ok {
		return "psft:vendor:" + key
	}
	return "psft:vendor:" + set + ":" + id
}

// Resolve computes what the desk should hold for an employee or vendor on a day, from everything known about it and
// the texts of the reference data that it points to, at the start of the day; of a hire ahead (Policy.HireLead) the texts
// are those of its first day. It is a pure function of its arguments and panics on none; the facts may stand in any order.
func Resolve(ref record.Ref, facts []erp.Fact, day erp.Date, p Policy, texts Texts) Decision {
	return resolve(ref, onDay(ref, facts, day, p), p, texts)
}

// ResolveAt is Resolve at an instant, for tenants whose leavers keep their access until a time of day or longer.
func ResolveAt(ref record.Ref, facts []erp.Fact, now time.Time, p Policy, texts Texts) Decision {
	return resolve(ref, look(ref, facts, now, erp.Today(now, p.zone()), p), p, texts)
}

// onDay is how a record is seen at the start of a day.
func onDay(ref record.Ref, facts []erp.Fact, day erp.Date, p Policy) view {
	now, _ := start(day, p.zone()) // what is no day has no rows in effect either
	return look(ref, facts, now, day, p)
}

func resolve(ref record.Ref, v view, p Policy, texts Texts) Decision {
	d := &draft{view: v, policy: p, ref: ref, texts: texts}
	if v.day > v.today {
		d.explain("seen as on %s, up to %d days ahead", v.day, p.HireLead)
	}
	var entry directory.Entry
	if ref.Kind == record.Vendor {
		entry.Organization = d.vendor()
	} else {
		entry.User = d.employee()
	}
	return Decision{Entry: entry, Flags: d.flags, Explain: d.reasons, Next: d.view.next(p.HireLead)}.soonest(d.until, p.zone())
}

// draft is a decision in the making.
type draft struct {
	view    view
	policy  Policy
	ref     record.Ref
	texts   Texts
	state   directory.State
	flags   []Flag
	reasons []string
	until   time.Time // first instant at which somebody who left loses access
}

// usable tells whether somebody will work with the object, so that gaps in it matter.
func (d *draft) usable() bool { return d.state == directory.Active }

// maxReasons bounds an explanation: somebody with a hundred jobs is explained by the first of them (wanted.v1: 200).
const maxReasons = 100

func (d *draft) explain(format string, args ...any) {
	if len(d.reasons) < maxReasons {
		d.reasons = append(d.reasons, fmt.Sprintf(format, args...))
	}
}

func (d *draft) flag(code fault.Code, detail string) {
	if !slices.ContainsFunc(d.flags, func(f Flag) bool { return f.Code == code }) {
		d.flags = append(d.flags, Flag{Code: code, Detail: detail})
	}
}

// become sets the state with its reason.
func (d *draft) become(s directory.State, format string, args ...any) {
	d.state = s
	d.reasons = append(d.reasons, string(s)+": "+fmt.Sprintf(format, args...))
}

// leave makes the record untouched for a reason that has a code.
func (d *draft) leave(code fault.Code, why string) {
	d.flag(code, why)
	d.become(directory.Untouched, "%s", why)
}

// text cleans a value and flags what had to be done to it.
func (d *draft) text(name, value string) string {
	out, bad, cut := clean(value)
	if bad {
		d.flag(fault.BadText, name+": control characters were removed")
	}
	if cut {
		d.flag(fault.TextCut, fmt.Sprintf("%s: cut to %d characters", name, MaxText))
	}
	return out
}
