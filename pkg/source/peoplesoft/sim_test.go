package peoplesoft

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	acme   = tenant.ID("acme")
	canary = "canary-PASSWORD-7261"
)

func chicago(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// company starts a simulator and returns it with a configuration that reads it.
func company(t *testing.T, o sim.Options) (*sim.Sim, Config) {
	t.Helper()
	if o.OAuth.ClientID == "" {
		o.User, o.Password = "MLCONN", canary
	}
	o.Now = func() time.Time { return time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC) }
	s := sim.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := Default()
	c.BaseURL, c.Node, c.Zone = server.URL, "PSFT_HR", chicago(t)
	c.Auth = Auth{Basic: &Basic{"MLCONN", secret.New(canary)}}
	c.Queries[record.Employee] = Query{Name: "ML_EMPLOYEES", MaxRows: 50, PromptLayout: "2006-01-02T15:04:05",
		Prompts: Prompts{From: "FROM_DTTM", To: "TO_DTTM", After: "LAST_EMPLID"}}
	return s, c
}

func open(t *testing.T, c Config) *Source {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// readAll reads a window to its end.
func readAll(t *testing.T, s source.Source, w source.Window) (pages []source.Page, records map[string]source.Record, err error) {
	t.Helper()
	records = map[string]source.Record{}
	for next := &w; next != nil; {
		page, err := s.Read(t.Context(), acme, *next)
		if err != nil {
			return pages, records, err
		}
		pages = append(pages, page)
		for _, r := range page.Records {
			records[r.Ref.Key] = r
		}
		if len(pages) > 500 {
			t.Fatal("reading does not end")
		}
		next = page.Rest
	}
	return pages, records, nil
}

func TestEveryEmployeeIsReadOnceOverPages(t *testing.T) {
	_, c := company(t, sim.Options{Employees: 250, Rows: sim.All})
	pages, records, err := readAll(t, open(t, c), source.Window{Kind: record.Employee, Full: true})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, p := range pages {
		count += len(p.Records)
	}
	if len(records) != 250 || count != 250 {
		t.Errorf("%d records, %d distinct in %d pages, want 250", count, len(records), len(pages))
	}
}

func TestFaultsOfTheServerHaveTheirCodes(t *testing.T) {
	cases := map[string]struct {
		fault sim.Fault
		code  fault.Code
		kind  fault.Kind
	}{
		"a sign-in page is not data":              {sim.Fault{Kind: sim.FaultSignIn}, fault.SourceNotData, fault.Config},
		"the gateway page is not data":            {sim.Fault{Kind: sim.FaultGateway}, fault.SourceNotData, fault.Config},
		"a web server page is not data":           {sim.Fault{Kind: sim.FaultWebLogic}, fault.SourceNotData, fault.Transient},
		"an empty body is not data":               {sim.Fault{Kind: sim.FaultEmptyBody}, fault.SourceNotData, fault.Transient},
		"JSON called HTML is not data":            {sim.Fault{Kind: sim.FaultHTMLType}, fault.SourceNotData, fault.Transient},
		"an error document in JSON is a fault":    {sim.Fault{Kind: sim.FaultErrorJSON}, fault.SourceFault, fault.Transient},
		"an error document in XML is a fault":     {sim.Fault{Kind: sim.FaultErrorXML}, fault.SourceFault, fault.Transient},
		"a refused password in a SOAP fault":      {sim.Fault{Kind: sim.FaultSOAP}, fault.SourceAuth, fault.Auth},
		"401 stops":                               {sim.Fault{Kind: sim.FaultStatus, Status: 401}, fault.SourceAuth, fault.Auth},
		"403 stops":                               {sim.Fault{Kind: sim.FaultStatus, Status: 403}, fault.SourceForbidden, fault.Auth},
		"404 is a setting":                        {sim.Fault{Kind: sim.FaultWrongNode}, fault.SourceNotFound, fault.Config},
		"500 with a message is a fault":           {sim.Fault{Kind: sim.FaultStatus, Status: 500}, fault.SourceFault, fault.Transient},
		"502 is down":                             {sim.Fault{Kind: sim.FaultStatus, Status: 502}, fault.SourceDown, fault.Transient},
		"503 is down":                             {sim.Fault{Kind: sim.FaultStatus, Status: 503}, fault.SourceDown, fault.Transient},
		"a redirect is not followed":              {sim.Fault{Kind: sim.FaultRedirect}, fault.SourceRedirect, fault.Config},
		"a short Content-Length is a cut":         {sim.Fault{Kind: sim.FaultShortLength}, fault.SourceTruncated, fault.Transient},
		"missing chunks are a cut":                {sim.Fault{Kind: sim.FaultChunkCut}, fault.SourceTruncated, fault.Transient},
		"half a document is a cut":                {sim.Fault{Kind: sim.FaultCut}, fault.SourceTruncated, fault.Transient},
		"shuffled rows are out of order":          {sim.Fault{Kind: sim.FaultUnsorted}, fault.SourceOrder, fault.Config},
		"change times of another form are schema": {sim.Fault{Kind: sim.FaultDrift}, fault.SourceSchema, fault.Transient},
		"a missing EFFDT is schema":               {sim.Fault{Kind: sim.FaultDropColumn, Column: "EFFDT"}, fault.SourceSchema, fault.Config},
	}
	s, c := company(t, sim.Options{Employees: 100})
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s.ClearFaults()
			if err := s.Fault(tc.fault); err != nil {
				t.Fatal(err)
			}
			page, err := open(t, c).Read(t.Context(), acme, source.Window{Kind: record.Employee, Full: true})
			if fault.CodeOf(err) != tc.code || fault.KindOf(err) != tc.kind {
				t.Errorf("got %v (%s), want %s (%s)", err, fault.KindOf(err), tc.code, tc.kind)
			}
			if len(page.Records) > 0 || page.Rest != nil {
				t.Errorf("a page came with the error: %d records", len(page.Records))
			}
		})
	}
}
