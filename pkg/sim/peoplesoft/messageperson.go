package peoplesoft

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// stampZoned is how messages write date and time (peoplesoft.md 2.3).
const stampZoned = "2006-01-02T15:04:05.000000-0700"

// nameRow is one row of NAMES, effective-dated. Two changes on one day are one row.
type nameRow struct{ effdt, first, last, display string }

// called gives a person another name from today on.
func (p *person) called(first, last, display, today string) {
	rows := slices.Clone(p.older)
	if p.named < today {
		rows = append(rows, nameRow{p.named, p.first, p.last, p.display})
	}
	p.older, p.named = rows, today
	p.first, p.last, p.display = first, last, display
}

func (p *person) nameRows() []nameRow {
	rows := append(slices.Clone(p.older), nameRow{p.named, p.first, p.last, p.display})
	slices.Reverse(rows) // newest first, as a component shows them
	return rows
}

// change is AUDIT_ACTN of a row: added, changed, untouched.
func change(isNew, differs bool) string {
	switch {
	case isNew:
		return "A"
	case differs:
		return "C"
	}
	return ""
}

// personRow is the content of PERSON_BASIC_SYNC about one person; was is the version before, nil for a new person.
// Without track (a FULLSYNC) rows have no action.
func (b book) personRow(p, was *person, track bool) rec {
	top := row("PERSON", "", text("EMPLID", p.id), date("BIRTHDATE", CanaryDate), text("BIRTHPLACE", Canary+" city"), text("BIRTHCOUNTRY", "USA"),
		date("DT_OF_DEATH", p.death(b.today)), dateTime("LAST_CHILD_UPDDTTM", p.stamp.format(stampZoned, b.zone)))
	isNew := track && was == nil
	if track {
		top.action = cmp.Or(change(isNew, true), "C")
	}
	if was == nil {
		was = &person{}
		if !track {
			was = p
		}
	}
	top.kids = append(b.names(p, was), row("PERS_DATA_EFFDT", "", text("EMPLID", p.id), date("EFFDT", "2001-01-01"), text("MAR_STATUS", "U"), text("SEX", "U")),
		row("PERS_NID", "", text("EMPLID", p.id), text("COUNTRY", "USA"), text("NATIONAL_ID_TYPE", "PR"), text("NATIONAL_ID", Canary+p.id)),
		row("ADDRESSES", "", text("EMPLID", p.id), text("ADDRESS_TYPE", "HOME"), date("EFFDT", "2001-01-01"), text("EFF_STATUS", "A"), text("COUNTRY", "USA"),
			text("ADDRESS1", "1 "+Canary+" Street"), text("POSTAL", "00000")).under("ADDRESS_TYPE_VW", b.shape.Views, text("EMPLID", p.id), text("ADDRESS_TYPE", "HOME")))
	top.kids = append(top.kids, b.contacts(p, was)...)
	return top
}

func (b book) names(p, was *person) []rec {
	old := map[string]nameRow{}
	if was.id != "" {
		for _, n := range was.nameRows() {
			old[n.effdt] = n
		}
	}
	var rows []rec
	for _, n := range p.nameRows() {
		before, had := old[n.effdt]
		r := b.name(p, n, change(!had, n != before))
		if had {
			r = r.changedFrom(b.name(p, before, ""))
		}
		rows = append(rows, r.under("NAME_TYPE_VW", b.shape.Views, text("EMPLID", p.id), text("NAME_TYPE", "PRI")))
	}
	return rows
}

func (b book) name(p *person, n nameRow, action string) rec {
	return row("NAMES", action, text("EMPLID", p.id), text("NAME_TYPE", "PRI"), date("EFFDT", n.effdt), text("EFF_STATUS", "A"), text("COUNTRY_NM_FORMAT", "001"),
		text("NAME", n.last+","+n.first), text("LAST_NAME", n.last), text("FIRST_NAME", n.first), text("NAME_DISPLAY", n.display), text("NAME_FORMAL", n.display),
		dateTime("LASTUPDDTTM", p.stamp.format(stampZoned, b.zone)))
}

// contacts are the phone and the mails. A removed mail comes once more, as a deleted row; every tenth person has a
// private address too, which is not the preferred one.
func (b book) contacts(p, was *person) []rec {
	phone := func(number, action string) rec {
		return row("PERSONAL_PHONE", action, text("EMPLID", p.id), text("PHONE_TYPE", "BUSN"), text("COUNTRY_CODE", ""), text("PHONE", number), text("EXTENSION", ""),
			text("PREF_PHONE_FLAG", "Y"))
	}
	mail := func(kind, address, preferred, action string) rec {
		return row("EMAIL_ADDRESSES", action, text("EMPLID", p.id), text("E_ADDR_TYPE", kind), text("EMAIL_ADDR", address), text("PREF_EMAIL_FLAG", preferred))
	}
	rows := []rec{phone(p.phone, change(was.id == "", p.phone != was.phone)).changedFrom(phone(was.phone, ""))}
	switch {
	case p.email != "":
		rows = append(rows, mail("BUSN", p.email, "Y", change(was.email == "", p.email != was.email)).changedFrom(mail("BUSN", was.email, "Y", "")))
	case was.email != "":
		rows = append(rows, mail("BUSN", was.email, "Y", "D"))
	}
	if p.id != "" && p.id[len(p.id)-1] == '5' {
		rows = append(rows, mail("HOME", "home."+p.id+"@example.org", "N", ""))
	}
	return rows
}

// death is DT_OF_DEATH: set when the job in force says so.
func (p *person) death(today string) string {
	for _, rcd := range p.records() {
		if j := p.inForce(rcd, today); j != nil && j.emplStatus == "D" {
			return shiftDay(j.effdt, -1)
		}
	}
	return ""
}

// jobRows is the content of WORKFORCE_SYNC about one person: a transaction for each EMPL_RCD that changed, or for all.
func (b book) jobRows(p, was *person, track bool) []rec {
	if was == nil {
		was = &person{}
	}
	var all []rec
	for _, rcd := range allRecords(p, was) {
		top := b.assignment(p, rcd)
		touched := !track
		for _, j := range slices.Backward(merged(p.jobs, was.jobs, rcd)) {
			is, before := p.rowAt(j), was.rowAt(j)
			r := b.job(p, j)
			switch {
			case !track:
			case is == nil:
				r.action, touched = "D", true
			case before == nil:
				r.action, touched = "A", true
			case *is != *before:
				r.action, touched = "C", true
				r = r.changedFrom(b.job(was, before))
			}
			if !track && b.current && is != p.inForce(rcd, b.today) {
				continue
			}
			top.kids = append(top.kids, r)
		}
		if !touched {
			continue
		}
		if track {
			top.action = change(len(was.rowsOf(rcd)) == 0, true)
		}
		all = append(all, top)
	}
	return all
}

func (b book) assignment(p *person, rcd int) rec {
	org := "EMP"
	if rows := p.rowsOf(rcd); len(rows) > 0 {
		org = rows[len(rows)-1].perOrg
	}
	fields := []cell{text("EMPLID", p.id), num("EMPL_RCD", strconv.Itoa(rcd)), text("PER_ORG", org), num("ORG_INSTANCE_ERN", "0")}
	switch name := cmp.Or(b.shape.JobParent, "PER_ORG_ASGN"); name {
	case "PERSON":
		return row(name, "", fields[0])
	case "PER_ORG_ASGN":
		return row(name, "", append(fields, text("BUSINESS_TITLE", ""), text("POSITION_PHONE", ""),
			dateTime("LAST_CHILD_UPDDTTM", p.newest.format(stampZoned, b.zone)))...)
	default:
		return row(name, "", fields[:2]...)
	}
}

// job is one row of JOB in the record's order of fields (peoplesoft.md 2.7), with the pay that nobody may keep.
func (b book) job(p *person, j *job) rec {
	u := b.setup
	r := row("JOB", "", text("EMPLID", p.id), num("EMPL_RCD", strconv.Itoa(j.rcd)), date("EFFDT", j.effdt), num("EFFSEQ", strconv.Itoa(j.seq)), text("PER_ORG", j.perOrg),
		text("DEPTID", j.dept), text("JOBCODE", j.jobCode), text("POSITION_NBR", j.position), text("SUPERVISOR_ID", j.supervisor), text("HR_STATUS", j.hrStatus),
		text("EMPL_STATUS", j.emplStatus), text("ACTION", j.action), date("ACTION_DT", time.UnixMicro(int64(j.stamp)).UTC().Format(time.DateOnly)), text("ACTION_REASON", ""),
		text("LOCATION", j.location), text("REG_TEMP", "R"), text("FULL_PART_TIME", "F"), text("COMPANY", u.company), text("PAYGROUP", "KX1"), text("BUSINESS_UNIT", "GBIBU"),
		text("SETID_DEPT", u.setID), text("SETID_JOBCODE", u.setID), text("SETID_LOCATION", u.setID), text("JOB_INDICATOR", j.indicator), text("REPORTS_TO", ""),
		date("HIRE_DT", j.hireDt), date("LAST_HIRE_DT", j.lastHireDt), date("TERMINATION_DT", j.terminatedDt), num("ANNUAL_RT", CanaryPay),
		dateTime("LASTUPDDTTM", j.stamp.format(stampZoned, b.zone)), text("LASTUPDOPRID", "HRADMIN"))
	keys := r.fields[:4]
	r.kids = []rec{row("COMPENSATION", "", append(slices.Clone(keys), text("COMP_RATECD", "NAANNL"), num("COMPRATE", CanaryPay), text("CURRENCY_CD", "USD"))...),
		row("JOB_JR", "", slices.Clone(keys)...)}
	return r
}

func (p *person) rowsOf(rcd int) (rows []job) {
	for _, j := range p.jobs {
		if j.rcd == rcd {
			rows = append(rows, j)
		}
	}
	return rows
}

func (p *person) rowAt(at *job) *job {
	i := slices.IndexFunc(p.jobs, func(j job) bool { return byKey(j, *at) == 0 })
	if i < 0 {
		return nil
	}
	return &p.jobs[i]
}

// merged lists the rows of both versions under one EMPL_RCD by key; a row of both is the newer one's.
func merged(is, was []job, rcd int) []*job {
	var all []*job
	for _, list := range [][]job{is, was} {
		for i := range list {
			j := &list[i]
			if j.rcd == rcd && !slices.ContainsFunc(all, func(o *job) bool { return byKey(*o, *j) == 0 }) {
				all = append(all, j)
			}
		}
	}
	slices.SortFunc(all, func(a, b *job) int { return byKey(*a, *b) })
	return all
}

func allRecords(p, was *person) []int {
	all := append(p.records(), was.records()...)
	slices.Sort(all)
	return slices.Compact(all)
}
