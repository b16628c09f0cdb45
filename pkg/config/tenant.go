// Package config is the tenant file (design.md 8): strict decoding that reports every problem at once with its place,
// typed settings with the defaults filled in, the document that the store keeps, and the difference between two of
// them. It reads no environment and opens nothing; secrets stand in it as references only.
package config

import (
	"time"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Tenant is everything that the operator decides about one tenant. A Tenant that came from Decode or FromDoc is valid
// and complete: defaults are filled in and optional parts that were left out are nil.
type Tenant struct {
	ID         Name       `json:"tenant" need:"the tenant's name, for example acme"`
	Mode       Mode       `json:"mode"`
	Timezone   Zone       `json:"timezone" need:"the zone of PeopleSoft's dates, for example America/Chicago"`
	PeopleSoft PeopleSoft `json:"peoplesoft" need:"how PeopleSoft is read"`
	Zendesk    Zendesk    `json:"zendesk" need:"how Zendesk is written"`
	Employees  Employees  `json:"employees"`
	Vendors    Vendors    `json:"vendors"`
	Guard      Guard      `json:"guard"`
}

// Tenant is the name as the rest of the system uses it.
func (t Tenant) Tenant() tenant.ID { return tenant.ID(t.ID) }

// Zone is the zone in which the tenant's days begin; UTC for a Tenant that was not decoded.
func (t Tenant) Zone() *time.Location {
	if t.Timezone.Location == nil {
		return time.UTC
	}
	return t.Timezone.Location
}

// Defaults is a tenant with every default and nothing that has none. Decoding starts from it.
func Defaults() Tenant {
	return Tenant{
		Mode:       Live,
		PeopleSoft: PeopleSoft{Schedule: defaultSchedule()},
		Zendesk:    Zendesk{Budget: Budget{Share: 0.8, Jobs: 5}},
		Employees:  defaultEmployees(),
		Vendors:    defaultVendors(),
		Guard: Guard{
			Suspend: Limit{Floor: 3, Percent: 2},
			Email:   Limit{Floor: 10, Percent: 1},
			Create:  Limit{Floor: 20, Percent: 5},
			Uniform: RefuseUniform,
		},
	}
}

// Mode says whether Zendesk is written at all.
type Mode string

// The modes.
const (
	Live    Mode = "live"
	Observe Mode = "observe" // everything is computed and audited, and nothing is written to Zendesk
)

// UnmarshalText accepts the modes.
func (m *Mode) UnmarshalText(b []byte) error { return word(m, b, Live, Observe) }

// Guard limits how much may change in a rolling 24 hours before a person must approve (design.md 6).
type Guard struct {
	Suspend Limit `json:"suspend"`
	Email   Limit `json:"email"`
	Create  Limit `json:"create"`

	Uniform Uniform `json:"uniform"` // a full read in which everybody is the same
}

// Limit allows the larger of Floor objects and Percent of the active linked users.
type Limit struct {
	Floor   int     `json:"floor"`
	Percent float64 `json:"percent"`
}

func (l *Limit) check(c *complaints) {
	if l.Floor < 0 || l.Floor > 1_000_000 {
		c.at("floor", bad{want: "a number from 0 to 1000000", got: show(l.Floor)})
	}
	if l.Percent < 0 || l.Percent > 100 {
		c.at("percent", bad{want: "a number from 0 to 100", got: show(l.Percent)})
	}
}
