package assembly

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// remembered is how long status goes on telling that a full disk healed.
const remembered = time.Hour

// room is nil while new records may come in. Processes that write to no disk of their own have no watch: broker and
// database guard theirs, and say so with BROKER_LIMIT and STORE_DOWN.
func (c *Core) room() error {
	if c.Disk == nil {
		return nil
	}
	return c.Disk.Err()
}

// TellDisk watches the disk.
func (c *Core) TellDisk() app.Component { return app.Component{Name: "disk", Run: c.Disk.Run} }

// intake is the bus for whoever takes records in: without room it takes none. Audit entries always pass: what happens
// stays told while what is there drains (failures.md I04).
type intake struct {
	bus.Bus
	core *Core
}

func (c *Core) intake() bus.Bus { return intake{c.Bus, c} }

// PublishFacts implements bus.Publisher.
func (i intake) PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error {
	if err := i.core.room(); err != nil {
		return err
	}
	return i.Bus.PublishFacts(ctx, t, events...)
}

// Publish implements bus.Publisher.
func (i intake) Publish(ctx context.Context, t tenant.ID, s bus.Stream, events ...event.Event) error {
	if s != bus.Audit {
		if err := i.core.room(); err != nil {
			return err
		}
	}
	return i.Bus.Publish(ctx, t, s, events...)
}

// AppendPage implements bus.Pages.
func (i intake) AppendPage(ctx context.Context, t tenant.ID, kind record.Kind, p bus.Page) (uint64, error) {
	if err := i.core.room(); err != nil {
		return 0, err
	}
	return i.Bus.AppendPage(ctx, t, kind, p)
}

// Healthy implements bus.Bus: pings are answered as messages are.
func (i intake) Healthy(ctx context.Context) error {
	if err := i.core.room(); err != nil {
		return err
	}
	return i.Bus.Healthy(ctx)
}

// checks are the parts that readiness asks for.
func (c *Core) checks() []app.Check {
	list := []app.Check{{Name: "store", Run: c.Store.Ping}, {Name: "broker", Run: c.Bus.Healthy}}
	if c.Disk != nil {
		list = append(list, app.Check{Name: "disk", Run: func(context.Context) error { return c.room() }})
	}
	return list
}

// own is what is wrong with this process itself, whatever the tenant, and what healed lately.
func (c *Core) own() (problems, notes []adminapi.Problem) {
	if c.Disk == nil {
		return nil, nil
	}
	if err := c.Disk.Err(); err != nil {
		since, code := c.Disk.Since(), fault.CodeOf(err)
		problems = append(problems, adminapi.Problem{Code: string(code), Detail: detail(err), Next: code.Next(), Where: "ml-connector.disk", Since: &since, Hold: true})
	}
	if r := c.Disk.Recovered(); !r.At.IsZero() && c.Now().Sub(r.At) < remembered {
		notes = append(notes, adminapi.Problem{Code: string(fault.Recovered), Detail: "the disk was short of room since " + r.Since.UTC().Format(time.RFC3339) + ", full in between; there is room again",
			Next: fault.Recovered.Next(), Where: "ml-connector.disk", Since: &r.At})
	}
	return problems, notes
}
