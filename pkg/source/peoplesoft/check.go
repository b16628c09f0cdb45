package peoplesoft

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// sample is how many rows are looked at when the one row that Check asked for cannot be read.
const sample = 100

// Check implements source.Source: dns, connect, tls, gateway, sign-in, query, columns. The query is the real one with
// the real credential, limited to one row (failures.md P15); after a failed step the others are skipped. A row that
// cannot be read condemns nothing alone: as in a read, more than a fifth of the rows must be unreadable (P11).
func (s *Source) Check(ctx context.Context, _ tenant.ID, kind record.Kind) []check.Step {
	e := examination{Source: s, kind: kind}
	list := []struct {
		name string
		run  func(context.Context) (check.State, string, error)
	}{
		{"dns", e.dns}, {"connect", e.connect}, {"tls", e.tls}, {"gateway", e.gateway},
		{"sign-in", e.signIn}, {"query", e.query}, {"columns", e.columnList},
	}
	steps := make([]check.Step, 0, len(list))
	failed := false
	for _, one := range list {
		if failed {
			steps = append(steps, check.Step{Name: one.name, State: check.Skipped})
			continue
		}
		start := time.Now()
		state, detail, err := one.run(ctx)
		step := stepOf(one.name, state, detail, err)
		step.Took = time.Since(start)
		steps, failed = append(steps, step), step.State == check.Failed
	}
	return steps
}

func stepOf(name string, state check.State, detail string, err error) check.Step {
	if err == nil {
		step := check.Step{Name: name, State: state, Detail: detail}
		if state == check.Warning {
			step.Code, step.Next = string(fault.SourceSchema), fault.SourceSchema.Next()
			if name == "gateway" {
				step.Code, step.Next = string(fault.SourceNotData), "nothing, if the next steps pass: some sites hide the gateway's page"
			}
		}
		return step
	}
	f, ok := during(name, err).(*fault.Error)
	if !ok {
		return check.Step{Name: name, State: check.Failed, Code: string(fault.Unclassified)}
	}
	return check.Step{Name: name, State: check.Failed, Code: string(f.Code), Detail: f.Detail, Next: fault.NextOf(f)}
}

// examination carries what one step learned to the next.
type examination struct {
	*Source
	kind   record.Kind
	answer httpx.Response
	table  table
}

func (e *examination) address() (host, port string, secure bool) {
	u, err := url.Parse(e.config.BaseURL)
	if err != nil {
		return "", "", true
	}
	if port = u.Port(); port == "" {
		if port = "443"; u.Scheme == "http" {
			port = "80"
		}
	}
	return u.Hostname(), port, u.Scheme == "https"
}

func (e *examination) dns(ctx context.Context) (check.State, string, error) {
	host, _, _ := e.address()
	n, err := e.client.http.Resolve(ctx, host)
	return check.OK, host + " has " + strconv.Itoa(n) + " address(es)", err
}

func (e *examination) connect(ctx context.Context) (check.State, string, error) {
	host, port, _ := e.address()
	return check.OK, "port " + port + " answers", e.client.http.Connect(ctx, host, port)
}

func (e *examination) tls(ctx context.Context) (check.State, string, error) {
	host, port, secure := e.address()
	if !secure {
		return check.OK, "plain http to this machine", nil
	}
	version, err := e.client.http.Secure(ctx, host, port)
	return check.OK, version, err
}

// gateway is informational: the page proves network and gateway, nothing else, and some sites hide it.
func (e *examination) gateway(ctx context.Context) (check.State, string, error) {
	page := strings.TrimSuffix(e.config.BaseURL, "/") + "/PSIGW/PeopleSoftListeningConnector"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return check.Failed, "", fault.New(fault.Config, fault.BadConfig, "base_url does not make a URL")
	}
	resp, err := e.client.http.Do(ctx, req)
	switch {
	case err != nil:
		return check.Failed, "", err
	case resp.Status == http.StatusOK && strings.Contains(strings.ToUpper(string(resp.Body[:min(len(resp.Body), 64<<10)])), "ACTIVE"):
		return check.OK, "the integration gateway is active", nil
	}
	return check.Warning, "the integration gateway shows no status page (HTTP " + strconv.Itoa(resp.Status) + ")", nil
}

// signIn sends the query; whatever is wrong but the sign-in is left to the next step.
func (e *examination) signIn(ctx context.Context) (check.State, string, error) {
	r, ok := e.readings[e.kind]
	if !ok {
		return check.Failed, "", notRead(e.kind)
	}
	var err error
	e.answer, err = r.send(ctx, e.client, &attempt{}, ask{limit: 1})
	if fault.KindOf(err) == fault.Auth && fault.CodeOf(err) != fault.SourceForbidden || (err != nil && e.answer.Status == 0) {
		return check.Failed, "", err
	}
	if err == nil {
		if b, bad := inspect(e.answer); bad == nil {
			e.table, err = r.decode(b)
		}
	}
	if fault.CodeOf(err) == fault.SourceAuth {
		return check.Failed, "", err
	}
	return check.OK, "accepted", nil
}

func (e *examination) query(context.Context) (check.State, string, error) {
	r := e.readings[e.kind]
	if err := status(e.answer); err != nil {
		return check.Failed, "", err
	}
	t, err := r.understand(e.answer)
	e.table = t
	return check.OK, r.what + " answers", err
}

func (e *examination) columnList(ctx context.Context) (check.State, string, error) {
	r := e.readings[e.kind]
	if len(e.table.rows) == 0 {
		return check.Warning, "no row came, so the columns could not be compared", nil
	}
	lines, notes, page, err := r.examine(e.table)
	if err == nil && unreadable(page) && len(lines) == 1 && r.limited {
		if e.table, _, err = r.fetch(ctx, e.client, &attempt{}, ask{limit: min(r.max, sample)}); err == nil {
			lines, notes, page, err = r.examine(e.table)
		}
	}
	if err != nil {
		return check.Failed, "", err
	}
	found := map[string]string{}
	for _, l := range lines[:min(len(lines), 1)] {
		for name := range l.row {
			found[name] = name
		}
	}
	if unreadable(page) {
		return check.Failed, "", fault.New(fault.Config, fault.SourceSchema, "the row cannot be read: "+page.Notes[0].Detail)
	}
	remarks := make([]string, 0, 4)
	if missing := absent(wanted(e.kind), found); len(missing) > 0 {
		remarks = append(remarks, "not in the query, so never filled: "+strings.Join(missing, ", "))
	}
	for _, n := range append(notes, page.Notes...) {
		remarks = append(remarks, n.Detail)
	}
	if len(remarks) > 0 {
		return check.Warning, strings.Join(remarks, "; "), nil
	}
	return check.OK, strconv.Itoa(len(found)) + " columns are read", nil
}

// examine does with the rows what a read does.
func (r *reading) examine(t table) ([]line, []source.Note, source.Page, error) {
	lines, notes, err := r.lines(t)
	if err != nil {
		return nil, nil, source.Page{}, err
	}
	page, err := r.page(lines, false)
	return lines, notes, page, err
}

// unreadable tells that no row of the page can be read.
func unreadable(p source.Page) bool { return len(p.Records) == 0 && len(p.Notes) > 0 }
