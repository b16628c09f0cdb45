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

// Company is the sample company: a PeopleSoft and a Zendesk that share nothing with the product.
type Company struct {
	PS      *pssim.Sim
	ZD      *zdsim.Sim
	PSURL   string
	ZDURL   string
	Secrets map[string]string // environment of the tenant file
	Parts   []app.Component   // the two servers
}

// NewCompany opens both simulators on free loopback ports. They answer once Parts run.
// rpm is Zendesk's limit; 0 is none. jobs is how long its bulk jobs take.
func NewCompany(employees, vendors int, seed uint64, rpm int, jobs time.Duration) (*Company, error) {
	c := &Company{Secrets: map[string]string{"DEMO_PS_PASSWORD": "demo-password-of-the-simulator", "DEMO_ZD_SECRET": "demo-secret-of-the-simulator"}}
	c.PS = pssim.New(pssim.Options{Seed: seed, Employees: employees, Vendors: vendors, User: "MLCONN", Password: c.Secrets["DEMO_PS_PASSWORD"]})
	c.ZD = zdsim.New(zdsim.Options{Seed: seed, RequestsPerMinute: rpm, JobDuration: func(int) time.Duration { return jobs },
		Auth: zdsim.Auth{Clients: []zdsim.OAuthClient{{ID: "ml_connector", Secret: c.Secrets["DEMO_ZD_SECRET"], ExpiresIn: 7200}}}})
	for key, title := range map[string]string{"department": "Department", "job_title": "Job title"} {
		c.ZD.SeedField("user", zdsim.Field{Type: "text", Key: key, Title: title})
	}
	var err error
	if c.PSURL, err = c.serve("sim-peoplesoft", c.PS); err != nil {
		return nil, err
	}
	c.ZDURL, err = c.serve("sim-zendesk", c.ZD)
	return c, err
}

func (c *Company) serve(name string, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	c.Parts = append(c.Parts, app.Component{Name: name, Run: func(ctx context.Context) error { return app.Serve(ctx, l, h) }})
	return "http://" + l.Addr().String(), nil
}

// TenantFile is the sample company's tenant file.
func (c *Company) TenantFile() string {
	return strings.NewReplacer("{PS}", c.PSURL, "{ZD}", c.ZDURL).Replace(`tenant: acme
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
