package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// readFacts decodes a facts.v1 message. What contradicts itself will never pass and is refused with kind Invalid.
func readFacts(t tenant.ID, m bus.Message) (event.Facts, []erp.Fact, error) {
	p, err := event.Payload[event.Facts](m.Event, event.FactsV1)
	if err != nil {
		return p, nil, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "the message is not facts.v1")
	}
	facts := event.ToERP(p.Facts)
	if why := contradiction(t, m, record.Ref{Kind: p.Kind, Key: p.Key}, facts); why != "" {
		return p, nil, fault.New(fault.Invalid, fault.Poison, why)
	}
	return p, facts, nil
}

// readWake decodes a wake.v1 message.
func readWake(t tenant.ID, m bus.Message) (event.Wake, error) {
	w, err := event.Payload[event.Wake](m.Event, event.WakeV1)
	if err != nil {
		return w, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "the message is not wake.v1")
	}
	if why := contradiction(t, m, record.Ref{Kind: w.Kind, Key: w.Key}, nil); why != "" {
		return w, fault.New(fault.Invalid, fault.Poison, why)
	}
	return w, nil
}

// maxKey is the longest key of a record (schemas/events/wanted.v1.json); PeopleSoft's are 11 and 5+1+10 bytes long.
const maxKey = 64

// contradiction says what in the message contradicts itself, without its values; "" when nothing does.
func contradiction(t tenant.ID, m bus.Message, ref record.Ref, facts []erp.Fact) string {
	switch {
	case m.Event.Tenant != t:
		return "the event belongs to another tenant than its stream"
	case !slices.Contains([]record.Kind{record.Employee, record.Vendor, record.Reference}, ref.Kind):
		return fmt.Sprintf("unknown kind %q", ref.Kind)
	case strings.TrimSpace(ref.Key) == "":
		return "no key"
	case len(ref.Key) > maxKey:
		return fmt.Sprintf("a key longer than %d bytes", maxKey)
	case m.Ref != (record.Ref{}) && m.Ref != ref:
		return "the payload names another record than its subject"
	}
	if set, id, ok := record.SplitVendorKey(ref.Key); ref.Kind == record.Vendor && (!ok || set == "" || id == "") {
		return "a vendor's key without SETID or VENDOR_ID"
	}
	if ref.Kind == record.Reference {
		if why := misshapen(ref.Key); why != "" {
			return why
		}
	}
	for i, f := range facts {
		if why := misfit(ref.Kind, f); why != "" {
			return fmt.Sprintf("fact %d: %s", i, why)
		}
	}
	return bothWays(facts)
}

// misfit says why a fact cannot stand in the ledger of a record of the kind.
func misfit(kind record.Kind, f erp.Fact) string {
	switch {
	case !slices.Contains(erp.Facets(), f.Facet):
		return "unknown facet"
	case kindOf(f.Facet) != kind:
		return fmt.Sprintf("facet %s does not belong to a record of kind %s", f.Facet, kind)
	case f.Action != erp.Set && f.Action != erp.Drop:
		return "unknown action"
	case f.EffSeq < 0:
		return "negative effective sequence"
	}
	if _, err := erp.ParseDate(string(f.EffDate)); err != nil && f.EffDate != "" {
		return "effective date is not a day"
	}
	if _, err := f.Stamp.Wall(); err != nil && f.Stamp != "" {
		return "change time is not a time"
	}
	allowed := erp.Allowed(f.Facet)
	for k := range f.Fields {
		if _, ok := slices.BinarySearch(allowed, k); !ok {
			return "a field that may not enter the system"
		}
	}
	return ""
}

// kindOf is the kind of record that a facet belongs to.
func kindOf(f erp.Facet) record.Kind {
	switch f {
	case erp.Vendor, erp.Address:
		return record.Vendor
	case erp.Reference:
		return record.Reference
	}
	return record.Employee
}

// bothWays finds a row that one message sets and drops at the same time.
func bothWays(facts []erp.Fact) string {
	for i, a := range facts {
		if a.Action != erp.Drop {
			continue
		}
		for j, b := range facts {
			if i != j && b.Action == erp.Set && a.ID() == b.ID() && a.Stamp == b.Stamp {
				return fmt.Sprintf("facts %d and %d set and drop the same row", i, j)
			}
		}
	}
	return ""
}
