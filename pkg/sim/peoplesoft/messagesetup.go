package peoplesoft

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// book is what a message is written from: the reference data and the day of publication.
type book struct {
	shape   Shape
	setup   *setup
	today   string
	zone    *time.Location
	current bool // an _EFF message: rows in force only
}

// vendorRow is the content of VENDOR_SYNC about one vendor. The second address is not the primary one.
func (b book) vendorRow(v, was *vendor, track bool) rec {
	isNew := was == nil
	if was == nil {
		was = v
	}
	top := b.vendorTop(v).changedFrom(b.vendorTop(was))
	if track {
		top.action = change(isNew, true)
	}
	prim := b.address(v, "1", v.email).changedFrom(b.address(was, "1", was.email))
	if track {
		prim.action = change(isNew, b.address(v, "1", v.email).differs(b.address(was, "1", was.email)))
	}
	keys := []cell{text("SETID", v.setID), text("VENDOR_ID", v.id)}
	with := func(name string, more ...cell) rec { return row(name, "", append(slices.Clone(keys), more...)...) }
	prim.kids = []rec{with("VENDOR_ADDR_PHN", num("ADDRESS_SEQ_NUM", "1"), date("EFFDT", "2020-01-01"), text("PHONE_TYPE", "BUSN"), text("PHONE", v.phone))}
	top.kids = []rec{
		with("VENDOR_ID_NBRS", text("STD_ID_QUAL", "TIN"), text("STD_ID_NUM", Canary+v.id)),
		b.address(v, "2", "remit."+v.id+"@vendor.example").under("VNDR_ADDR_SCROL", b.shape.Views, keys...),
		prim.under("VNDR_ADDR_SCROL", b.shape.Views, keys...),
		with("VENDOR_LOC", text("VNDR_LOC", "MAIN"), date("EFFDT", "2020-01-01"), text("EFF_STATUS", "A")),
		with("VENDOR_PAY", text("PYMNT_METHOD", "ACH"), text("BANK_ACCT_KEY", Canary)),
		with("VNDR_BANK_ACCT", text("BANK_ID_NBR", Canary), text("BANK_ACCOUNT_NUM", Canary+v.id)),
		with("VENDOR_CNTCT", num("CNTCT_SEQ_NUM", "1"), date("EFFDT", "2020-01-01"), text("EFF_STATUS", "A"), text("CONTACT_NAME", "Kim Example"),
			text("EMAILID", "contact."+v.id+"@vendor.example")),
	}
	return top
}

func (b book) vendorTop(v *vendor) rec {
	return row("VENDOR", "", text("SETID", v.setID), text("VENDOR_ID", v.id), text("VENDOR_NAME_SHORT", v.short), text("NAME1", v.name), text("NAME2", ""),
		text("VENDOR_STATUS", v.status), text("VENDOR_CLASS", v.class), text("VENDOR_PERSISTENCE", v.persistence), num("REMIT_ADDR_SEQ_NUM", "2"),
		num("PRIM_ADDR_SEQ_NUM", "1"), num("ADDR_SEQ_NUM_ORDR", "1"), text("DEFAULT_LOC", "MAIN"), text("VNDR_STATUS_PO", "A"))
}

func (b book) address(v *vendor, seq, email string) rec {
	return row("VENDOR_ADDR", "", text("SETID", v.setID), text("VENDOR_ID", v.id), num("ADDRESS_SEQ_NUM", seq), date("EFFDT", "2020-01-01"), text("EFF_STATUS", "A"),
		text("NAME1", ""), text("COUNTRY", v.country), text("ADDRESS1", "1 Main Street"), text("CITY", v.city), text("STATE", ""), text("POSTAL", ""), text("EMAILID", email))
}

func (r rec) differs(old rec) bool {
	return !slices.EqualFunc(r.fields, old.fields, func(a, b cell) bool { return a.value == b.value })
}

// begun is the EFFDT of all reference data.
const begun = "1990-01-01"

func (b book) deptRow(id, action string) rec {
	name := b.setup.depts[id]
	return row("DEPT_TBL", action, text("SETID", b.setup.setID), text("DEPTID", id), date("EFFDT", begun), text("EFF_STATUS", "A"), text("DESCR", name),
		text("DESCRSHORT", cut(name, 10)), text("COMPANY", b.setup.company), text("SETID_LOCATION", b.setup.setID), text("LOCATION", "KCA"), text("MANAGER_ID", ""),
		text("MANAGER_POSN", ""))
}

func (b book) jobCodeRow(code, action string) rec {
	name := b.setup.jobs[code]
	return row("JOBCODE_TBL", action, text("SETID", b.setup.setID), text("JOBCODE", code), date("EFFDT", begun), text("EFF_STATUS", "A"), text("DESCR", name),
		text("DESCRSHORT", cut(name, 10)))
}

func (b book) positionRow(number, action string) rec {
	name := b.setup.positions[number]
	return row("POSITION_DATA", action, text("POSITION_NBR", number), date("EFFDT", begun), text("EFF_STATUS", "A"), text("DESCR", name),
		text("DESCRSHORT", cut(name, 10)), text("POSN_STATUS", "A"), text("REPORTS_TO", ""), text("LOCATION", "KCA"))
}

// family is a message with its FULLSYNC: where it is queued, its usual version, and how its rows are found and written.
type family struct {
	queue, version string
	all            func(s *Sim) []string
	rows           func(s *Sim, b book, key, action string) []rec
}

// families is the catalogue of messages (peoplesoft.md 2.5) without the endings _SYNC and _FULLSYNC.
func families() map[string]family {
	return map[string]family{
		"PERSON_BASIC": {"PERSON_DATA", "VERSION_9", (*Sim).allPeople, func(s *Sim, b book, key, action string) []rec {
			return s.personRows(key, func(p *person) []rec { return []rec{b.personRow(p, p, false)} }, action)
		}},
		"WORKFORCE": {"PERSON_DATA", "VERSION_7", (*Sim).allPeople, func(s *Sim, b book, key, action string) []rec {
			return s.personRows(key, func(p *person) []rec { return b.jobRows(p, nil, false) }, action)
		}},
		"VENDOR": {"VENDOR", "VERSION_1", (*Sim).allVendors, func(s *Sim, b book, key, action string) []rec {
			setID, id, _ := strings.Cut(key, "/")
			i, err := s.searchVendor(setID, id)
			if err != nil {
				return nil
			}
			return acting([]rec{b.vendorRow(s.vendors[i], nil, false)}, action)
		}},
		"DEPT": {"HR_SETUP", "VERSION_3", func(s *Sim) []string { return s.setup.deptIDs }, func(s *Sim, b book, key, action string) []rec {
			return known(s.setup.depts, key, b.deptRow, action)
		}},
		"JOBCODE": {"HR_SETUP", "VERSION_2", func(s *Sim) []string { return s.setup.jobCodes }, func(s *Sim, b book, key, action string) []rec {
			return known(s.setup.jobs, key, b.jobCodeRow, action)
		}},
		"POSITION": {"HR_SETUP", "VERSION_2", (*Sim).allPositions, func(s *Sim, b book, key, action string) []rec {
			return known(s.setup.positions, key, b.positionRow, action)
		}},
	}
}

func known(texts map[string]string, key string, write func(key, action string) rec, action string) []rec {
	if _, ok := texts[key]; !ok {
		return nil
	}
	return []rec{write(key, action)}
}

func acting(rows []rec, action string) []rec {
	for i := range rows {
		rows[i].action = cmp.Or(action, rows[i].action)
	}
	return rows
}

func (s *Sim) personRows(key string, write func(*person) []rec, action string) []rec {
	i, err := s.find(key)
	if err != nil {
		return nil
	}
	return acting(write(s.people[i]), action)
}

func (s *Sim) allPeople() (keys []string) {
	for _, p := range s.people {
		keys = append(keys, p.id)
	}
	return keys
}

func (s *Sim) allVendors() (keys []string) {
	for _, v := range s.vendors {
		keys = append(keys, v.key())
	}
	return keys
}

func (s *Sim) allPositions() (keys []string) {
	for number := range s.setup.positions {
		keys = append(keys, number)
	}
	slices.Sort(keys)
	return keys
}
