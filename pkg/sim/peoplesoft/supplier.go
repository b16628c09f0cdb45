package peoplesoft

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// suppliers makes n vendors in the order of VENDOR_ID, then SETID.
func (m *maker) suppliers(n int) []*vendor {
	all := make([]*vendor, n)
	for i := range all {
		all[i] = m.supplier(i)
		switch i % 20 {
		case 4: // the same VENDOR_ID under another SETID is another vendor (peoplesoft.md 2.11)
			all[i].setID, all[i].id = "EMEA1", all[i-1].id
		case 13: // two vendors share a name
			all[i].name = all[i-1].name
		}
	}
	slices.SortFunc(all, func(a, b *vendor) int { return strings.Compare(a.id+a.setID, b.id+b.setID) })
	return all
}

// supplier makes the i-th vendor; the case is chosen by i%40.
func (m *maker) supplier(i int) *vendor {
	a, b := m.words[0][m.rnd.IntN(len(m.words[0]))], m.words[1][m.rnd.IntN(len(m.words[1]))]
	city := m.city[m.rnd.IntN(len(m.city))]
	v := &vendor{
		setID: "SHARE", id: vendorID(i), name: cut(fmt.Sprintf("%s %s %d", a, b, 11+i), 40), status: "A", class: "R", persistence: "R",
		email: fmt.Sprintf("ar@vendor%d.example", 11+i), phone: fmt.Sprintf("555/555-%04d", 100+m.rnd.IntN(100)),
		city: city[0], country: city[1], stamp: m.ago(time.Hour, 700*24*time.Hour),
	}
	v.short = shortName(v.name)
	kinds := map[int]struct{ status, class, persistence string }{
		5: {"A", "E", "R"}, 7: {"I", "R", "R"}, 9: {"A", "R", "O"}, 15: {"E", "R", "R"}, 17: {"A", "E", "R"}, 19: {"A", "R", "S"},
		21: {"A", "H", "R"}, 23: {"A", "A", "R"}, 25: {"X", "R", "R"}, 27: {"D", "R", "R"}, 28: {"A", "R", "P"}, 35: {"I", "R", "P"},
	}
	if k, ok := kinds[i%40]; ok {
		v.status, v.class, v.persistence = k.status, k.class, k.persistence
	}
	switch i % 40 {
	case 29:
		v.name = ""
	case 31:
		v.email, v.city = "", ""
	}
	return v
}

// vendorID is the VENDOR_ID of the i-th vendor: ten digits with leading zeros.
func vendorID(i int) string { return fmt.Sprintf("%010d", 11+i) }

// shortName is VENDOR_NAME_SHORT: ten letters and digits of the name and a counter.
func shortName(name string) string {
	letters := strings.Map(func(r rune) rune {
		if (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, strings.ToUpper(name))
	return cut(letters, 10) + "-001"
}
