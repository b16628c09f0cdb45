package transform

import (
	"maps"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
)

func TestVendors(t *testing.T) {
	row := func(values ...string) []erp.Fact {
		base := []string{"name=4 Star Hoses & Fittings", "short_name=4STARHOSES-001", "status=A", "class=R", "persistence=R"}
		return []erp.Fact{set(erp.Vendor, "", "", 0, append(base, values...)...)}
	}
	tests := map[string]struct {
		facts  []erp.Fact
		policy func(*Policy)
		state  directory.State
		codes  string
		name   string // "" skips the check
		alt    string
	}{
		"approved is active": {facts: row(), state: directory.Active, name: "4 Star Hoses & Fittings", alt: "4 Star Hoses & Fittings (4STARHOSES-001)"},
		"without a short name the id makes it unique": {facts: row("short_name= "), state: directory.Active,
			name: "4 Star Hoses & Fittings", alt: "4 Star Hoses & Fittings (0000000011)"},
		"inactive":                         {facts: row("status=I"), state: directory.Inactive},
		"to be archived":                   {facts: row("status=X"), state: directory.Inactive},
		"denied":                           {facts: row("status=D"), state: directory.Inactive},
		"long names":                       {facts: row("status=inactive", "class=Outside Party", "persistence=REGULAR"), state: directory.Inactive},
		"long name to be archived":         {facts: row("status=To Be Archived"), state: directory.Inactive},
		"unapproved waits":                 {facts: row("status=E"), state: directory.Untouched},
		"older unapproved waits":           {facts: row("status=U"), state: directory.Untouched},
		"long name unapproved waits":       {facts: row("status=Unapproved"), state: directory.Untouched},
		"unknown status":                   {facts: row("status=Q"), state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"blank status":                     {facts: row("status="), state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"no vendor row at all":             {facts: []erp.Fact{set(erp.Address, "1", "2020-01-01", 0, "city=Omaha")}, state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"an employee as vendor":            {facts: row("class=E"), state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"an inactive one out of scope":     {facts: row("class=E", "status=I"), state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"a one-time vendor":                {facts: row("persistence=O"), state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"a single payment by its name":     {facts: row("persistence=Single Payment"), state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"class is a setting":               {facts: row("class=A"), policy: func(p *Policy) { p.VendorClass = []string{"R", "A"} }, state: directory.Active},
		"no filter at all":                 {facts: row("class=E", "persistence=O"), policy: func(p *Policy) { p.VendorClass, p.VendorPersistence = nil, nil }, state: directory.Active},
		"a column that the query lacks":    {facts: []erp.Fact{set(erp.Vendor, "", "", 0, "name=Hoses", "status=A")}, state: directory.Active},
		"on the list":                      {facts: row(), policy: func(p *Policy) { p.VendorKeys = []string{"SHARE/0000000011"} }, state: directory.Active},
		"not on the list":                  {facts: row(), policy: func(p *Policy) { p.VendorKeys = []string{"OTHER/0000000011"} }, state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"chosen by the flag column":        {facts: row("scope_flag=y"), policy: func(p *Policy) { p.VendorFlags = []string{"Y"} }, state: directory.Active},
		"not chosen by the flag column":    {facts: row("scope_flag=N"), policy: func(p *Policy) { p.VendorFlags = []string{"Y"} }, state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"flag column missing":              {facts: row(), policy: func(p *Policy) { p.VendorFlags = []string{"Y"} }, state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"blank NAME1 uses the short name":  {facts: row("name= "), state: directory.Active, codes: "MISSING_NAME", name: "4STARHOSES-001", alt: "4STARHOSES-001 (0000000011)"},
		"no name at all":                   {facts: row("name=", "short_name="), state: directory.Active, codes: "MISSING_NAME", name: "SHARE/0000000011", alt: "SHARE/0000000011 (0000000011)"},
		"approved although the list lacks": {facts: row(), policy: func(p *Policy) { p.VendorStatus = []string{"E"} }, state: directory.Inactive},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Default()
			if tt.policy != nil {
				tt.policy(&p)
			}
			d := Resolve(hoses(), tt.facts, today, p, nil)
			mustState(t, d, tt.state)
			if got := codesOf(d); got != tt.codes {
				t.Errorf("codes %q, want %q", got, tt.codes)
			}
			o := d.Entry.Organization
			if o.ExternalID != "psft:vendor:SHARE:0000000011" {
				t.Errorf("external id %q", o.ExternalID)
			}
			if tt.name != "" && (o.Name != tt.name || o.AltName != tt.alt) {
				t.Errorf("name %q alt %q, want %q and %q", o.Name, o.AltName, tt.name, tt.alt)
			}
		})
	}
}

func TestVendorFields(t *testing.T) {
	p := Default()
	p.OrganizationFields = map[string]string{"city": "organization_fields.city", "status": "organization_fields.status", "email": "organization_fields.mail",
		"vendor_id": "organization_fields.id", "phone": "organization_fields.phone"}
	facts := []erp.Fact{
		set(erp.Vendor, "", "", 0, "name=Hoses", "status=A", "primary_address=2"),
		set(erp.Address, "1", "2020-01-01", 0, "city=Boston", "email=wrong@4star.example"),
		set(erp.Address, "2", "2020-01-01", 0, "city=Omaha", "email=ar@4star.example", "eff_status=A"),
		set(erp.Address, "2", "2026-05-01", 0, "city=Lincoln", "email=ar@4star.example", "eff_status=A"),
	}
	want := map[string]string{"organization_fields.city": "Omaha", "organization_fields.status": "A", "organization_fields.mail": "ar@4star.example", "organization_fields.id": "0000000011"}
	d := Resolve(hoses(), facts, today, p, nil)
	if !maps.Equal(d.Entry.Organization.Fields, want) {
		t.Errorf("fields %v, want %v", d.Entry.Organization.Fields, want)
	}
	if d.Next != "2026-05-01" {
		t.Errorf("next %q, want the day on which the address changes", d.Next)
	}
	if d = Resolve(hoses(), facts, "2026-05-01", p, nil); d.Entry.Organization.Fields["organization_fields.city"] != "Lincoln" {
		t.Errorf("the address of its day is not used: %v", d.Entry.Organization.Fields)
	}
}

// The address of the message, as far as the tenant maps it: of the primary address, in effect.
func TestTheParentAndTheAddressOfAVendor(t *testing.T) {
	p := Default()
	p.OrganizationFields = map[string]string{"parent": "parent", "street": "street", "state": "state", "postal": "postal", "city": "city"}
	there := []erp.Fact{set(erp.Address, "1", "2020-01-01", 0, "street=9 Other Road", "state=MA", "postal=02108", "city=Boston"),
		set(erp.Address, "2", "2020-01-01", 0, "street=1 Main St", "state=NE", "postal=68102", "city=Omaha", "eff_status=A")}
	row := func(values ...string) []erp.Fact {
		return append([]erp.Fact{set(erp.Vendor, "", "", 0, append([]string{"name=Hoses", "status=A", "primary_address=2"}, values...)...)}, there...)
	}
	at := map[string]string{"street": "1 Main St", "state": "NE", "postal": "68102", "city": "Omaha"}
	with := func(parent string) map[string]string {
		m := maps.Clone(at)
		m["parent"] = parent
		return m
	}
	for name, tt := range map[string]struct {
		facts []erp.Fact
		want  map[string]string
	}{
		"the parent of one SETID":                           {row("parent_set=SHARE", "parent=0000000007"), with("SHARE/0000000007")},
		"the same VENDOR_ID of another SETID is another":    {row("parent_set=US001", "parent=0000000007"), with("US001/0000000007")},
		"without a SETID nothing is concluded":              {row("parent=0000000007"), at},
		"with a blank SETID neither":                        {row("parent_set= ", "parent=0000000007"), at},
		"a blank parent is none":                            {row("parent_set=SHARE", "parent="), with("")},
		"a parent of which nothing was said is left alone":  {row("parent_set=SHARE"), at},
		"the query's own columns go before the address row": {row("street=5 Query Lane"), map[string]string{"street": "5 Query Lane", "state": "NE", "postal": "68102", "city": "Omaha"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Resolve(hoses(), tt.facts, today, p, nil).Entry.Organization.Fields; !maps.Equal(got, tt.want) {
				t.Errorf("fields %v, want %v", got, tt.want)
			}
		})
	}
}
