package peoplesoft

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// maker draws a company from a seed. Everything that looks like chance comes from rnd, in one fixed order.
type maker struct {
	rnd    *rand.Rand
	setup  *setup
	now    wall
	today  string
	given  [][2]string
	family [][2]string
	city   [][2]string
	words  [2][]string
}

func newMaker(seed uint64, now time.Time, zone *time.Location) *maker {
	m := &maker{
		rnd: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), now: wallOf(now, zone), today: now.In(zone).Format(time.DateOnly),
		given: givenNames(), family: familyNames(), city: cities(), words: vendorWords(),
	}
	m.setup = m.newSetup()
	return m
}

func (m *maker) newSetup() *setup {
	u := &setup{setID: "SHARE", company: "GBI", depts: map[string]string{}, jobs: map[string]string{}, positions: map[string]string{}}
	for i, name := range departmentNames() {
		id := fmt.Sprintf("%07d", 10100+100*i)
		u.deptIDs, u.depts[id] = append(u.deptIDs, id), name
	}
	for i, title := range jobTitles() {
		code := fmt.Sprintf("%06d", 42005+5*i)
		u.jobCodes, u.jobs[code] = append(u.jobCodes, code), title
	}
	for d, dept := range u.deptIDs {
		for j, code := range u.jobCodes {
			u.positions[fmt.Sprintf("%08d", 10001+100*d+j)] = cut("Senior "+u.jobs[code]+", "+orText(u.depts[dept], dept), 30)
		}
	}
	return u
}

// people makes n persons in the order of EMPLID.
func (m *maker) people(n int) []*person {
	all := make([]*person, n)
	for i := range all {
		all[i] = m.person(i)
	}
	return all
}

// person makes the i-th person. The case is chosen by i%100, so that every hundred people hold every case.
func (m *maker) person(i int) *person {
	p := m.identity(employeeID(i), i)
	m.career(p, i)
	switch i % 100 {
	case 51:
		p.email = ""
	case 52:
		p.email = "HR." + p.email // upper case in the source (peoplesoft.md 2.6)
	case 53:
		p.email += " "
	case 61, 62:
		p.phone = ""
	case 71:
		p.display = " " + p.display + " "
	}
	p.settle()
	return p
}

// identity draws name, mail and phone of a person.
func (m *maker) identity(id string, i int) *person {
	given, family := m.given[m.rnd.IntN(len(m.given))], m.family[m.rnd.IntN(len(m.family))]
	p := &person{
		id: id, first: given[0], last: family[0], display: given[0] + " " + family[0],
		email: fmt.Sprintf("%s.%s%d@example.com", given[1], family[1], 1001+i),
		phone: fmt.Sprintf("555/555-%04d", 100+m.rnd.IntN(100)),
		stamp: m.ago(24*time.Hour, 700*24*time.Hour),
	}
	p.named = time.UnixMicro(int64(p.stamp)).UTC().Format(time.DateOnly)
	return p
}

// employeeID is the EMPLID of the i-th person: seven digits with leading zeros.
func employeeID(i int) string { return fmt.Sprintf("%07d", 1001+i) }

// ago draws a reading between least and most before now, at whole seconds except now and then.
func (m *maker) ago(least, most time.Duration) wall {
	w := m.now.add(-least - time.Duration(m.rnd.Int64N(int64(most-least))))
	if m.rnd.IntN(8) == 0 {
		return w // with microseconds (failures.md K06)
	}
	return w - w%1_000_000
}

// day draws a date between least and most days before today; negative numbers lie in the future.
func (m *maker) day(least, most int) string {
	return shiftDay(m.today, -least-m.rnd.IntN(most-least+1))
}

// cut shortens a text to n characters without blanks at the end, as a PeopleSoft DESCR of 30 would be.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		s = string(r[:n])
	}
	return strings.TrimRight(s, " ")
}
