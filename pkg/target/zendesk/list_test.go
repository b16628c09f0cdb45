package zendesk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

func TestListShowsEveryObjectOnce(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	a.sim.SeedUsers(2100)
	gone := a.sim.SeedUser(sim.NewUser{Name: "Gone", Email: "gone@example.com"})
	a.sim.Deactivate(gone)
	a.sim.SeedAgent("An Agent", "Agent@Example.com")
	for i := range 1500 {
		a.sim.SeedOrganization(sim.NewOrganization{Name: fmt.Sprintf("Vendor %d", i)})
	}
	seen := func(kind record.Kind) (ids map[string]target.Object, twice int) {
		ids = map[string]target.Object{}
		err := a.target.List(t.Context(), acme, kind, func(page []target.Object) error {
			for _, o := range page {
				if _, is := ids[o.ID]; is {
					twice++
				}
				ids[o.ID] = o
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids, twice
	}
	users, twice := seen(record.Employee)
	staff, ours := 0, 0
	for _, u := range users {
		if u.Staff {
			staff++
		}
		if u.ExternalID != "" {
			ours++
		}
		if u.Email != "" && u.Email == "Agent@Example.com" {
			t.Error("an address is not in lower case")
		}
	}
	if _, is := users[fmt.Sprint(gone)]; is || twice > 0 || ours != 2100 || staff != 2 || len(users) != 2102 {
		t.Errorf("%d users, %d twice, %d ours, %d staff", len(users), twice, ours, staff)
	}
	if orgs, twice := seen(record.Vendor); len(orgs) != 1500 || twice > 0 {
		t.Errorf("%d organizations, %d twice", len(orgs), twice)
	}
}

func TestListEndsWhereTheReaderHasSeenEnough(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	a.sim.SeedUsers(1500)
	enough, pages := errors.New("enough"), 0
	err := a.target.List(t.Context(), acme, record.Employee, func([]target.Object) error { pages++; return enough })
	if !errors.Is(err, enough) || pages != 1 {
		t.Errorf("%d pages, %v", pages, err)
	}
}
