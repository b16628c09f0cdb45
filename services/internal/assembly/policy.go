package assembly

import (
	"time"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
)

// policy translates a tenant's settings for the transformer.
func policy(s config.Tenant, version int64) transform.Policy {
	p := transform.Default()
	p.Version, p.Zone = version, s.Zone()
	p.PerOrg, p.ActiveStatus = texts(s.Employees.Scope.PerOrg), texts(s.Employees.Scope.ActiveStatus)
	p.KeepLeavers, p.FreeSeats = !s.Employees.Leaver.Suspend, s.Employees.Leaver.DowngradeAgents
	p.HireLead, p.LeaveAt = int(s.Employees.Hire.Lead), time.Duration(s.Employees.Leaver.At)*time.Minute
	p.LeaveDays, p.LeaveHours = s.Employees.Leaver.Lag.Days, s.Employees.Leaver.Lag.Hours
	p.Placeholders = append(p.Placeholders, texts(s.Employees.Email.Placeholders)...)
	p.RequireEmail = s.Employees.MissingEmail == config.HoldBack
	p.EmailTypes, p.PreferredEmail = texts(s.Employees.Email.Types), s.Employees.Email.AllowPreferred
	p.Mail = transform.Mail{InPlace: s.Employees.Email.Change == config.InPlace, Parking: string(s.Employees.Email.ParkingDomain)}
	p.VendorStatus, p.VendorClass, p.VendorPersistence = texts(s.Vendors.Scope.Status), texts(s.Vendors.Scope.Class), texts(s.Vendors.Scope.Persistence)
	p.VendorKeys, p.VendorFlags = texts(s.Vendors.Scope.Keys), texts(s.Vendors.Scope.Flag)
	limit := func(l config.Limit) transform.Limit { return transform.Limit{Floor: l.Floor, Percent: l.Percent} }
	p.Limits = map[store.Change]transform.Limit{store.Suspension: limit(s.Guard.Suspend), store.EmailChange: limit(s.Guard.Email), store.Creation: limit(s.Guard.Create)}
	p.UserFields, p.OrganizationFields = map[string]string{}, map[string]string{}
	for k, v := range s.Employees.User {
		p.UserFields[string(k)] = string(v)
	}
	for k, v := range s.Vendors.Organization {
		p.OrganizationFields[string(k)] = string(v)
	}
	return p
}

func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}
