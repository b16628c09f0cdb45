package campaign

import (
	"fmt"

	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// workload is what happens in PeopleSoft meanwhile. Every new title and address carries a number that only grows, and
// every address its owner, so that a regress and cross-talk show in Zendesk's log.
type workload struct {
	people  []string // active from the beginning
	gone    []string // terminated by us
	vendors []pssim.VendorTruth
	n       int
	touched map[string]bool
}

func (w *workload) begin(r *rig) {
	truth := r.PS.Truth("")
	w.touched = map[string]bool{}
	for _, e := range truth.Employees {
		if e.Active && e.InScope && e.NextChange == "" && len(e.PerOrg) == 1 && e.Email != "" {
			w.people = append(w.people, e.EmplID)
		}
	}
	for _, v := range truth.Vendors {
		if v.InScope && v.State == "active" && v.Name != "" {
			w.vendors = append(w.vendors, v)
		}
	}
}

// step lets one thing happen.
func (w *workload) step(r *rig) {
	r.t.Helper()
	w.n++
	i := r.dice.IntN(len(w.people))
	who, today := w.people[i], r.PS.Today()
	var err error
	switch k := w.n % 8; {
	case k == 1:
		_, err = r.PS.ChangeEmail(who, fmt.Sprintf("c%d.%s@example.com", w.n, who))
	case k == 2:
		_, err = r.PS.Hire(pssim.NewHire{First: "Kit", Last: fmt.Sprintf("Campaign%d", w.n)}, today)
	case k == 3 && len(w.people) > 20:
		_, err = r.PS.Terminate(who, today)
		w.people = append(w.people[:i], w.people[i+1:]...)
		w.gone = append(w.gone, who)
	case k == 4 && len(w.gone) > 0:
		who = w.gone[0]
		w.gone = w.gone[1:]
		_, err = r.PS.Rehire(who, today)
		w.people = append(w.people, who)
	case k == 5 && len(w.vendors) > 0:
		v := w.vendors[r.dice.IntN(len(w.vendors))]
		_, err = r.PS.VendorRename(v.SetID, v.VendorID, fmt.Sprintf("Campaign Vendor %d", w.n))
	default:
		w.title(r, who)
	}
	w.touched[who] = true
	if err != nil {
		r.t.Fatal(err)
	}
}

func (w *workload) title(r *rig, who string) {
	r.t.Helper()
	w.n++
	if _, err := r.PS.ChangeTitle(who, fmt.Sprintf("Campaign %06d", w.n), r.PS.Today()); err != nil {
		r.t.Fatal(err)
	}
	w.touched[who] = true
}

// crowd gives so many people new titles, enough for bulk jobs.
func (w *workload) crowd(r *rig, n int) {
	r.t.Helper()
	for _, i := range r.dice.Perm(len(w.people))[:min(n, len(w.people))] {
		w.title(r, w.people[i])
	}
}

// move gives so many people new addresses, which are calls of their own and no bulk job.
func (w *workload) move(r *rig, n int) {
	r.t.Helper()
	for _, i := range r.dice.Perm(len(w.people))[:min(n, len(w.people))] {
		w.n++
		if _, err := r.PS.ChangeEmail(w.people[i], fmt.Sprintf("c%d.%s@example.com", w.n, w.people[i])); err != nil {
			r.t.Fatal(err)
		}
		w.touched[w.people[i]] = true
	}
}
