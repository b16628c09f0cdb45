package zendesk

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// The assertions of this file stay on in production (failures.md 2.3, O4 and O6; ADR 0017). They look at the bytes that
// are about to leave and know nothing of how they came to be. A violation is a bug of ours: the client sends nothing
// any more, and the writer stops its tenant until a person lets it go on.

// violation is a call that must never leave. The detail names no value.
func violation(detail string) *fault.Error {
	return fault.New(fault.Internal, fault.SafetyStop, detail)
}

// trip remembers the first violation: from then on nothing leaves.
func (c *client) trip(err error) error {
	if e, ok := err.(*fault.Error); ok && e.Code == fault.SafetyStop {
		c.tripped.CompareAndSwap(nil, e)
	}
	return err
}

// shut answers the violation after which nothing may leave.
func (c *client) shut() error {
	if e := c.tripped.Load(); e != nil {
		return e
	}
	return nil
}

// wrongTenant tells that an account was asked to write for somebody else than whom it was opened for.
func (t *Target) wrongTenant(of tenant.ID) error {
	if t.cfg.Tenant == "" || t.cfg.Tenant == of {
		return nil
	}
	return t.client.trip(violation("a write of tenant " + string(of) + " on the account of tenant " + string(t.cfg.Tenant)))
}

// vouch compares a write with the changes that it is made for: it names their objects and their external ids, and none
// of somebody else.
func vouch(k call, r route, record string, body []byte) error {
	if !k.writes() || strings.HasSuffix(r.path, "_fields") {
		return nil
	}
	if len(k.about) == 0 {
		return violation(r.method + " " + r.path + " is made for no record")
	}
	for _, c := range k.about {
		if err := owned(c); err != nil {
			return err
		}
	}
	if record != "" && (len(k.about) != 1 || record != k.about[0].TargetID) {
		return violation(r.method + " " + r.path + " names another object than its record's")
	}
	list, err := named(body)
	if err != nil || len(list) != len(k.about) {
		return violation(r.method + " " + r.path + " holds other objects than its records'")
	}
	for i, o := range list {
		if err := o.of(k.about[i], r, record); err != nil {
			return err
		}
	}
	return nil
}

// owned tells whether the object of a change is its record's: it is the one that was read for the plan, it carried the
// record's external id or none, and the external id is the one that belongs to the record.
func owned(c target.Change) error {
	ext := c.Wanted.ExternalID()
	if !strings.EqualFold(ext, externalOf(c.Ref)) {
		return violation("the external id that is to be written for " + c.Ref.String() + " belongs to another record")
	}
	if c.Verb != target.Create && (c.TargetID == "" || c.TargetID != c.Object) {
		return violation("the object that is to be written for " + c.Ref.String() + " is not the one that was read")
	}
	held := c.Held.ExternalID()
	takes := c.Wanted.User != nil && c.Wanted.User.Takes != "" && strings.EqualFold(held, c.Wanted.User.Takes)
	if held != "" && !strings.EqualFold(held, ext) && !takes {
		return violation("the object that is to be written for " + c.Ref.String() + " carries another record's external id")
	}
	return nil
}

// externalOf is the external id that belongs to a record (design.md 8).
func externalOf(ref record.Ref) string {
	if ref.Kind == record.Vendor {
		return vendors + strings.Replace(ref.Key, "/", ":", 1)
	}
	return ours + ref.Key
}

// object is what a body says about whom it writes.
type object struct {
	ID         json.Number `json:"id"`
	UserID     json.Number `json:"user_id"`
	ExternalID *string     `json:"external_id"`
}

// named lists the objects of a body; one that names none, such as {}, counts as one.
func named(body []byte) ([]object, error) {
	var b struct {
		User, Organization, Identity *object
		Membership                   *object `json:"group_membership"`
		Users, Organizations         []object
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, err
	}
	list := append(b.Users, b.Organizations...)
	for _, o := range []*object{b.User, b.Organization, b.Identity, b.Membership} {
		if o != nil {
			list = append(list, *o)
		}
	}
	if len(list) == 0 {
		list = []object{{}}
	}
	return list, nil
}

// of compares one object of a body with its change.
func (o object) of(c target.Change, r route, record string) error {
	id := o.ID.String() + o.UserID.String()
	creates := r.method == http.MethodPost && record == "" && o.UserID == ""
	switch ext := c.Wanted.ExternalID(); {
	case o.ExternalID != nil && !strings.EqualFold(*o.ExternalID, ext):
		return violation(r.method + " " + r.path + " gives " + c.Ref.String() + " another record's external id")
	case creates && (o.ExternalID == nil || id != ""):
		return violation(r.method + " " + r.path + " creates an object for " + c.Ref.String() + " without its external id")
	case !creates && record == "" && id != c.TargetID, record != "" && id != "":
		return violation(r.method + " " + r.path + " names another object than that of " + c.Ref.String())
	}
	return nil
}
