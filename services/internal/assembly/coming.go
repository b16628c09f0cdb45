package assembly

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
)

const (
	comingDays = 30  // how far status looks ahead
	comingList = 100 // changes that it lists
)

// Coming computes what changes by itself in the next 30 days, from the ledger and the tenant's settings.
func (c *Core) Coming(ctx context.Context, t tenant.ID) (adminapi.Coming, error) {
	s, version, err := c.Settings(ctx, t)
	if err != nil {
		return adminapi.Coming{}, err
	}
	now := time.Now()
	if c.Now != nil {
		now = c.Now()
	}
	until := erp.Today(now.In(s.Zone()).AddDate(0, 0, comingDays), s.Zone())
	found, err := transform.ComingUp(ctx, c.Store, t, policy(s, version), now, until, comingList)
	if err != nil {
		return adminapi.Coming{}, err
	}
	out := adminapi.Coming{Until: string(until), Days: []adminapi.ComingDay{}, List: []adminapi.ComingChange{}, More: found.More}
	for _, day := range slices.Sorted(maps.Keys(found.Days)) {
		out.Days = append(out.Days, adminapi.ComingDay{Day: string(day), Changes: found.Days[day]})
	}
	for _, one := range found.List {
		out.List = append(out.List, adminapi.ComingChange{Day: string(one.Day), At: one.At.UTC(), Kind: string(one.Ref.Kind), Key: one.Ref.Key, What: one.What})
	}
	return out, nil
}
