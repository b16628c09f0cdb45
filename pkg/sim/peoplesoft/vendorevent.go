package peoplesoft

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (s *Sim) findVendor(e Event) (int, error) {
	return s.searchVendor(cmp.Or(e.SetID, s.setup.setID), e.VendorID)
}

func (s *Sim) searchVendor(setID, id string) (int, error) {
	i, ok := slices.BinarySearchFunc(s.vendors, [2]string{id, setID}, func(v *vendor, k [2]string) int {
		return cmp.Or(strings.Compare(v.id, k[0]), strings.Compare(v.setID, k[1]))
	})
	if !ok {
		return i, fmt.Errorf("vendor %s/%s: unknown", setID, id)
	}
	return i, nil
}

func (s *Sim) vendorAdd(e Event) (Effect, error) {
	v := s.maker.supplier(len(s.vendors))
	v.setID, v.id = cmp.Or(e.SetID, s.setup.setID), cmp.Or(e.VendorID, s.nextVendor())
	v.name, v.email = cmp.Or(e.Name, v.name, "Vendor "+v.id), cmp.Or(e.Email, v.email)
	v.short = shortName(v.name)
	v.status, v.class, v.persistence = cmp.Or(e.Status, "A"), cmp.Or(e.Class, "R"), cmp.Or(e.Persistence, "R")
	v.city, v.country = cmp.Or(e.City, v.city), cmp.Or(e.Country, v.country)
	v.stamp, v.visible = s.stamp(), s.now().Add(s.lateness(e.LateSeconds))
	i, err := s.searchVendor(v.setID, v.id)
	if err == nil {
		return Effect{}, fmt.Errorf("vendor %s: exists", v.key())
	}
	s.vendors = slices.Insert(s.vendors, i, v)
	return one(v.key(), "vendor %s added: %s", v.key(), v.name), nil
}

// nextVendor is one above the greatest VENDOR_ID.
func (s *Sim) nextVendor() string {
	var n int
	if len(s.vendors) > 0 {
		if _, err := fmt.Sscanf(s.vendors[len(s.vendors)-1].id, "%010d", &n); err == nil {
			return fmt.Sprintf("%010d", n+1)
		}
	}
	return vendorID(len(s.vendors))
}

func (s *Sim) vendorRename(e Event) (Effect, error) {
	return s.editVendor(e, fmt.Sprintf("renamed to %q", e.Name), func(v *vendor) error {
		v.name = e.Name
		return nil
	})
}

func (s *Sim) vendorStatus(e Event) (Effect, error) {
	return s.editVendor(e, "status "+e.Status, func(v *vendor) error {
		if _, known := vendorStatus()[e.Status]; !known {
			return fmt.Errorf("status %q: unknown", e.Status)
		}
		v.status = e.Status
		return nil
	})
}

// vendorChange changes whatever is given of mail, phone, city, country, class and persistence.
func (s *Sim) vendorChange(e Event) (Effect, error) {
	return s.editVendor(e, "changed", func(v *vendor) error {
		if e.Email+e.Phone+e.City+e.Country+e.Class+e.Persistence == "" {
			return errors.New("nothing to change")
		}
		v.email, v.phone = cmp.Or(e.Email, v.email), cmp.Or(e.Phone, v.phone)
		v.city, v.country = cmp.Or(e.City, v.city), cmp.Or(e.Country, v.country)
		v.class, v.persistence = cmp.Or(e.Class, v.class), cmp.Or(e.Persistence, v.persistence)
		return nil
	})
}

func (s *Sim) editVendor(e Event, what string, change func(*vendor) error) (Effect, error) {
	i, err := s.findVendor(e)
	if err != nil {
		return Effect{}, err
	}
	next := *s.vendors[i]
	if err := change(&next); err != nil {
		return Effect{}, fmt.Errorf("vendor %s: %w", next.key(), err)
	}
	next.prev, next.visible, next.stamp = s.vendors[i], s.visibleFrom(s.vendors[i].visible, e), s.stamp()
	s.vendors[i] = &next
	forget(&next, func(v *vendor) *vendor { return v.prev }, func(v *vendor) { v.prev, v.visible = nil, time.Time{} })
	return one(next.key(), "vendor %s: %s", next.key(), what), nil
}
