package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/disk"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
)

// Options of a demo.
type Options struct {
	Data      string // "" is a temporary folder that goes away
	Listen    string // admin API; "" takes a free port
	Employees int
	Vendors   int
	Seed      uint64
	Once      bool // end after the play
	Headless  bool // full speed: no limits in the simulated Zendesk, no pauses between the acts
	JSON      bool // print the summary only, as JSON
	Log       *slog.Logger
	Out       io.Writer
}

// Summary is what the play ended with.
type Summary struct {
	OK       bool           `json:"ok"`
	Seconds  float64        `json:"seconds"`
	Users    int            `json:"users"`
	Orgs     int            `json:"organizations"`
	Acts     []ActSummary   `json:"acts"`
	Findings map[string]int `json:"findings"`
	Held     int            `json:"held"`
	Calls    int64          `json:"zendesk_calls"`
	Writes   int64          `json:"zendesk_writes"`
	Limited  int64          `json:"zendesk_429"`
	Deletes  int64          `json:"zendesk_deletes"`
	Second   int64          `json:"second_sync_writes"` // must be 0
}

// ActSummary is one act: what happened and what still differs.
type ActSummary struct {
	Act         string   `json:"act"`
	Event       string   `json:"event"`
	Record      string   `json:"record,omitempty"`
	Differences []string `json:"differences"`
}

// Play starts everything and plays the acts. It returns an error when Zendesk does not hold what PeopleSoft says.
func Play(ctx context.Context, o Options) error {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	dir, remove, err := folder(o.Data)
	if err != nil {
		return err
	}
	defer remove()
	rpm, job := 700, 2*time.Second
	tune := assembly.Tuning{Linger: 200 * time.Millisecond}
	if o.Headless {
		rpm, job = 0, 20*time.Millisecond
		tune.JobPoll, tune.Reload = 20*time.Millisecond, 100*time.Millisecond
	}
	c, err := NewCompany(o.Employees, o.Vendors, o.Seed, rpm, job)
	if err != nil {
		return err
	}
	sys, err := embedded.Open(ctx, embedded.Options{Data: dir, MinFree: disk.Floor{Exact: 64 << 20}, Listen: o.Listen, Log: o.Log, Tuning: tune})
	if err != nil {
		return err
	}
	defer sys.Close(context.WithoutCancel(ctx))
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p := &player{Options: o, company: c, client: sys.Client(), judge: NewJudge(c), address: "http://" + sys.Address(), dir: dir}
	parts := append(c.Parts, app.Component{Name: "ml-connector", Run: sys.Run}, app.Component{Name: "play", Run: func(ctx context.Context) error {
		err := p.play(ctx)
		if err == nil && !o.Once {
			<-ctx.Done()
		}
		stop(played{err})
		return ctx.Err()
	}})
	if err := app.Run(running, o.Log, 30*time.Second, parts...); err != nil {
		return err
	}
	if end, ok := errors.AsType[played](context.Cause(running)); ok {
		return end.err
	}
	return nil
}

// played ends the running system because the play is over.
type played struct{ err error }

// Error implements error.
func (played) Error() string { return "the play is over" }

func folder(data string) (string, func(), error) {
	if data != "" {
		return data, func() {}, os.MkdirAll(data, 0o700)
	}
	dir, err := os.MkdirTemp("", "ml-connector-demo-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

type player struct {
	Options
	company *Company
	client  *adminapi.Client
	judge   *Judge
	address string
	dir     string
	sum     Summary
}

func (p *player) play(ctx context.Context) error {
	start := time.Now()
	p.say("ml-connector demo: a company of %d employees and %d vendors", p.Employees, p.Vendors)
	p.say("  PeopleSoft simulator  %s\n  Zendesk simulator     %s\n  watch it at           %s/\n", p.company.PSURL, p.company.ZDURL, p.address)
	if err := p.first(ctx); err != nil {
		return err
	}
	st := &stage{company: p.company, used: map[string]bool{}}
	for _, a := range acts() {
		if err := p.act(ctx, st, a); err != nil {
			return err
		}
	}
	if err := p.second(ctx); err != nil {
		return err
	}
	return p.finish(ctx, start)
}

// first applies the tenant file and loads the company.
func (p *player) first(ctx context.Context) error {
	p.say("== first load")
	in := adminapi.Apply{Name: "demo.yaml", File: p.company.TenantFile(), Actor: "demo", Values: map[string]map[string]string{Tenant: {
		"peoplesoft.hcm.password": p.company.Secrets["DEMO_PS_PASSWORD"], "peoplesoft.fscm.password": p.company.Secrets["DEMO_PS_PASSWORD"],
		"zendesk.client_secret": p.company.Secrets["DEMO_ZD_SECRET"]}}}
	if _, err := p.client.Apply(ctx, in); err != nil {
		return err
	}
	checked, err := p.client.Check(ctx, Tenant, false)
	if err != nil {
		return err
	}
	if !checked.OK {
		for _, s := range checked.Steps {
			p.say("   %s %s: %s %s %s", s.Connection, s.Name, s.State, s.Code, s.Detail)
		}
		return errors.New("the connections of the demo do not work")
	}
	if err := p.sync(ctx, adminapi.Sync{Full: true}); err != nil {
		return err
	}
	return p.conclude(ctx, "first load", "everything is read", "")
}

func (p *player) act(ctx context.Context, st *stage, a act) error {
	effect, err := a.play(st)
	if err != nil {
		return fmt.Errorf("%s: %w", a.title, err)
	}
	p.say("== %s\n   PeopleSoft: %s", a.title, effect.Text)
	if err := p.sync(ctx, adminapi.Sync{}); err != nil {
		return err
	}
	return p.conclude(ctx, a.title, effect.Text, effect.Key())
}

// second syncs again: nothing may be written.
func (p *player) second(ctx context.Context) error {
	before := p.company.ZD.Counters().Writes
	if err := p.sync(ctx, adminapi.Sync{Full: true}); err != nil {
		return err
	}
	p.sum.Second = p.company.ZD.Counters().Writes - before
	p.say("== everything is read once more: %d writes to Zendesk", p.sum.Second)
	return nil
}

func (p *player) finish(ctx context.Context, start time.Time) error {
	n := p.company.ZD.Counters()
	p.sum.Seconds = time.Since(start).Seconds()
	p.sum.Calls, p.sum.Writes, p.sum.Deletes, p.sum.Limited = n.Requests, n.Writes, n.Deletes, n.TooMany
	p.sum.OK = p.sum.Second == 0
	for _, a := range p.sum.Acts {
		p.sum.OK = p.sum.OK && len(a.Differences) == 0
	}
	status, err := p.client.Status(ctx, Tenant)
	if err != nil {
		return err
	}
	for _, t := range status.Tenants {
		p.sum.Findings, p.sum.Held = t.Findings, t.Holds
	}
	if p.JSON {
		e := json.NewEncoder(p.Out)
		e.SetIndent("", "  ")
		if err := e.Encode(p.sum); err != nil {
			return err
		}
	} else {
		p.epilogue()
	}
	if !p.sum.OK {
		return errors.New("differences: Zendesk does not hold what PeopleSoft says, see the differences")
	}
	return nil
}
