package natsbus

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// source names the bus in events that it makes itself.
const source = "bus"

// control makes the message of an event that the bus makes itself.
func control(t tenant.ID, subj string, typ event.Type, id, about, cause string, payload any) (*nats.Msg, error) {
	e, err := event.With(event.Event{ID: id, Source: source, Type: typ, Subject: about, Time: time.Now().UTC(), Tenant: t, Cause: cause}, payload)
	if err != nil {
		return nil, fmt.Errorf("make event: %w", err)
	}
	return encode(t, subj, e)
}

// Wake arms or moves the record's wake-up. The broker's clock has whole seconds and the client cuts: at is rounded up.
func (b *Bus) Wake(ctx context.Context, t tenant.ID, w event.Wake, at time.Time) error {
	if err := checkTenant(t); err != nil {
		return err
	}
	ref := record.Ref{Kind: w.Kind, Key: w.Key}
	if ref.Kind == "" || ref.Key == "" {
		return fault.New(fault.Invalid, fault.BadEnvelope, "wake-up without kind or key")
	}
	m, err := control(t, refSubject(wordWake, t, ref), event.WakeV1, fmt.Sprintf("wake/%s/%s", ref, w.Date), ref.String(), "wake/"+string(w.Date), w)
	if err != nil {
		return err
	}
	if cut := at.Truncate(time.Second); cut.Before(at) {
		at = cut.Add(time.Second)
	}
	m.Header.Set(jetstream.ScheduleHeader, "@at "+at.UTC().Format(time.RFC3339))
	m.Header.Set(jetstream.ScheduleTargetHeader, refSubject(wordDue, t, ref))
	return b.arm(ctx, t, m)
}

// Unwake cancels it; a wake-up that fired already is not called back.
func (b *Bus) Unwake(ctx context.Context, t tenant.ID, ref record.Ref) error {
	return b.disarm(ctx, t, refSubject(wordWake, t, ref))
}

// Every arms a repeating tick. A schedule that is armed just so is left alone: arming it again would start its
// interval anew, and a process that restarts often would never poll.
func (b *Bus) Every(ctx context.Context, t tenant.ID, k bus.Tick, spec string, zone *time.Location) error {
	if err := checkTick(t, k); err != nil {
		return err
	}
	subj := tickSubject(wordPoll, t, k)
	if spec == "" {
		return b.disarm(ctx, t, subj)
	}
	m, err := tickMessage(t, subj, k, "", "cycle/schedule")
	if err != nil {
		return err
	}
	if d, err := time.ParseDuration(spec); err == nil {
		if d < time.Second {
			return fault.New(fault.Config, fault.BadConfig, fmt.Sprintf("every %q: want at least 1s", spec))
		}
		m.Header.Set(jetstream.ScheduleHeader, "@every "+d.String())
	} else {
		if len(strings.Fields(spec)) != 5 {
			return fault.New(fault.Config, fault.BadConfig, fmt.Sprintf("every %q: want a duration such as 5m or a cron line of five fields", spec))
		}
		m.Header.Set(jetstream.ScheduleHeader, "0 "+strings.Join(strings.Fields(spec), " "))
		m.Header.Set(jetstream.ScheduleTimeZoneHeader, zoneName(zone))
	}
	m.Header.Set(jetstream.ScheduleTargetHeader, tickSubject(wordTick, t, k))
	return b.arm(ctx, t, m)
}

// zoneName never is "Local": the server's own zone is nobody's business.
func zoneName(zone *time.Location) string {
	if zone == nil || zone == time.Local {
		return "UTC"
	}
	return zone.String()
}

// Poke publishes a tick now. A repeat with the same cycle within ten minutes is dropped.
func (b *Bus) Poke(ctx context.Context, t tenant.ID, k bus.Tick, cycle, cause string) error {
	if err := checkTick(t, k); err != nil {
		return err
	}
	subj := tickSubject(wordTick, t, k)
	m, err := tickMessage(t, subj, k, cycle, cause)
	if err != nil {
		return err
	}
	if cycle != "" {
		m.Header.Set(jetstream.MsgIDHeader, subj+"/"+cycle)
	}
	return classify("poke "+subj, b.publish(ctx, m))
}

func checkTick(t tenant.ID, k bus.Tick) error {
	if k.Kind == "" || k.Mode == "" || (k.Mode == event.ModeKey) != (k.Key != "") {
		return fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("tick %+v: want kind and mode, and a key with mode %q only", k, event.ModeKey))
	}
	return checkTenant(t)
}

func tickMessage(t tenant.ID, subj string, k bus.Tick, cycle, cause string) (*nats.Msg, error) {
	id := fmt.Sprintf("tick/%s/%s/%s/%s", k.Kind, k.Mode, k.Key, cmp.Or(cycle, "schedule"))
	about := string(k.Kind)
	if k.Key != "" {
		about += "/" + k.Key
	}
	return control(t, subj, event.TickV1, id, about, cause, event.Tick{Kind: k.Kind, Mode: k.Mode, Key: k.Key, Cycle: cycle})
}

func (b *Bus) arm(ctx context.Context, t tenant.ID, m *nats.Msg) error {
	cur, err := b.last(ctx, t, bus.Directory, m.Subject)
	if err != nil {
		return err
	}
	if cur != nil && sameSchedule(cur.Header, m.Header) {
		return nil
	}
	return classify("schedule "+m.Subject, b.publish(ctx, m))
}

func sameSchedule(a, b nats.Header) bool {
	for _, h := range []string{jetstream.ScheduleHeader, jetstream.ScheduleTargetHeader, jetstream.ScheduleTimeZoneHeader} {
		if a.Get(h) != b.Get(h) {
			return false
		}
	}
	return true
}

func (b *Bus) disarm(ctx context.Context, t tenant.ID, subj string) error {
	st, err := b.stream(ctx, t, bus.Directory)
	if err != nil {
		return err
	}
	ctx, cancel := b.call(ctx)
	defer cancel()
	return classify("cancel "+subj, st.Purge(ctx, jetstream.WithPurgeSubject(subj)))
}
