// Package demo plays a sample company through the whole system: both simulators, the embedded system, and a few life
// events, each checked against what PeopleSoft says. It uses the system from outside, as an operator would: over the
// admin API and over HTTP.
package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/app"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// Tenant is the name of the sample company's tenant.
const Tenant = "acme"

// company is the sample company: a PeopleSoft and a Zendesk that share nothing with the product.
type company struct {
	ps     *pssim.Sim
	zd     *zdsim.Sim
	psURL  string
	zdURL  string
	secret map[string]string // environment of the tenant file
	parts  []app.Component
}

// newCompany starts both simulators on free loopback ports. rpm is Zendesk's limit; 0 is none.
func newCompany(employees, vendors int, seed uint64, rpm int, jobs time.Duration) (*company, error) {
	c := &company{secret: map[string]string{"DEMO_PS_PASSWORD": "demo-password-of-the-simulator", "DEMO_ZD_SECRET": "demo-secret-of-the-simulator"}}
	c.ps = pssim.New(pssim.Options{Seed: seed, Employees: employees, Vendors: vendors, User: "MLCONN", Password: c.secret["DEMO_PS_PASSWORD"]})
	c.zd = zdsim.New(zdsim.Options{Seed: seed, RequestsPerMinute: rpm, JobDuration: func(int) time.Duration { return jobs },
		Auth: zdsim.Auth{Clients: []zdsim.OAuthClient{{ID: "ml_connector", Secret: c.secret["DEMO_ZD_SECRET"], ExpiresIn: 7200}}}})
	for key, title := range map[string]string{"department": "Department", "job_title": "Job title"} {
		c.zd.SeedField("user", zdsim.Field{Type: "text", Key: key, Title: title})
	}
	var err error
	if c.psURL, err = c.serve("sim-peoplesoft", c.ps); err != nil {
		return nil, err
	}
	c.zdURL, err = c.serve("sim-zendesk", c.zd)
	return c, err
}

func (c *company) serve(name string, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	c.parts = append(c.parts, app.Component{Name: name, Run: func(ctx context.Context) error { return app.Serve(ctx, l, h) }})
	return "http://" + l.Addr().String(), nil
}

// tenantFile is the sample company's tenant file.
func (c *company) tenantFile() string {
	return strings.NewReplacer("{PS}", c.psURL, "{ZD}", c.zdURL).Replace(`tenant: acme
timezone: America/Chicago
peoplesoft:
  hcm:
    base_url: {PS}
    node: PSFT_HR
    auth: { basic: { username: MLCONN, password: env:DEMO_PS_PASSWORD } }
    employees: { query: ML_EMPLOYEES, max_rows: 100, prompt_layout: "2006-01-02T15:04:05", prompts: { from: FROM_DTTM, to: TO_DTTM, after: LAST_EMPLID, key: EMPLID } }
  fscm:
    base_url: {PS}
    node: PSFT_EP
    auth: { basic: { username: MLCONN, password: env:DEMO_PS_PASSWORD } }
    vendors: { query: ML_VENDORS, max_rows: 100, prompt_layout: "2006-01-02T15:04:05", prompts: { from: FROM_DTTM, to: TO_DTTM, after: LAST_VENDOR_ID } }
  schedule: { employees: 5m, vendors: 15m, full: "0 2 * * *", overlap: 15m }
zendesk:
  base_url: {ZD}
  auth: { client_credentials: { client_id: ml_connector, client_secret: env:DEMO_ZD_SECRET, scopes: [read, write] } }
`)
}
