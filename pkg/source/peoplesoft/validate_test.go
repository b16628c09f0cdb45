package peoplesoft

import (
	"crypto/tls"
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

func valid() Config {
	c := Default()
	c.BaseURL, c.Node = "https://hr.acme.example:8443/ps", "PSFT_HR"
	c.Auth = Auth{Basic: &Basic{"MLCONN", secret.New("x")}}
	c.Queries[record.Employee] = DefaultQuery(record.Employee)
	c.Queries[record.Vendor] = DefaultQuery(record.Vendor)
	return c
}

func TestValidateNamesEveryProblem(t *testing.T) {
	query := func(change func(*Query)) func(*Config) {
		return func(c *Config) {
			q := c.Queries[record.Employee]
			change(&q)
			c.Queries[record.Employee] = q
		}
	}
	service := func(g Generic) func(*Config) {
		return func(c *Config) {
			delete(c.Queries, record.Employee)
			c.Generics[record.Employee] = g
		}
	}
	cases := map[string]struct {
		change func(*Config)
		paths  []string
	}{
		"a good one":                    {func(*Config) {}, nil},
		"nothing set":                   {func(c *Config) { *c = Config{} }, []string{"base_url", "node", "auth", "employees"}},
		"plain http":                    {func(c *Config) { c.BaseURL = "http://hr.acme.example" }, []string{"base_url"}},
		"plain http to loopback":        {func(c *Config) { c.BaseURL = "http://127.0.0.1:8090" }, nil},
		"a user in the URL":             {func(c *Config) { c.BaseURL = "https://u:p@hr.acme.example" }, []string{"base_url"}},
		"a query in the URL":            {func(c *Config) { c.BaseURL = "https://hr.acme.example?x=1" }, []string{"base_url"}},
		"another scheme":                {func(c *Config) { c.BaseURL = "file:///etc/passwd" }, []string{"base_url"}},
		"a number for a host":           {func(c *Config) { c.BaseURL = "https://2130706433" }, []string{"base_url"}},
		"a hexadecimal host":            {func(c *Config) { c.BaseURL = "https://0x7f000001" }, []string{"base_url"}},
		"a short address":               {func(c *Config) { c.BaseURL = "https://127.1" }, []string{"base_url"}},
		"PSIGW in the URL":              {func(c *Config) { c.BaseURL = "https://hr.acme.example/PSIGW/x" }, []string{"base_url"}},
		"a node with a slash":           {func(c *Config) { c.Node = "A/B" }, []string{"node"}},
		"old TLS":                       {func(c *Config) { c.MinTLS = tls.VersionTLS11 }, []string{"tls.min_version"}},
		"two kinds of auth":             {func(c *Config) { c.Auth.OAuth2 = &OAuth2{} }, []string{"auth"}},
		"no password":                   {func(c *Config) { c.Auth.Basic = &Basic{User: "a:b"} }, []string{"auth.basic.username", "auth.basic.password"}},
		"an empty OAuth2":               {func(c *Config) { c.Auth = Auth{OAuth2: &OAuth2{AuthStyle: "x"}} }, []string{"auth.oauth2.token_url", "auth.oauth2.client_id", "auth.oauth2.client_secret", "auth.oauth2.auth_style"}},
		"an unknown format":             {query(func(q *Query) { q.Format = "EXCEL" }), []string{"employees.format"}},
		"an unknown owner":              {query(func(q *Query) { q.Owner = "MINE" }), []string{"employees.owner"}},
		"no query name":                 {query(func(q *Query) { q.Name = "" }), []string{"employees.query"}},
		"one row":                       {query(func(q *Query) { q.MaxRows = 1 }), []string{"employees.max_rows"}},
		"only a from prompt":            {query(func(q *Query) { q.Prompts.To = "" }), []string{"employees.prompts"}},
		"a prompt twice":                {query(func(q *Query) { q.Prompts.Key = q.Prompts.After }), []string{"employees.prompts.key"}},
		"a prompt with a comma":         {query(func(q *Query) { q.Prompts.After = "A,B" }), []string{"employees.prompts.after"}},
		"a layout without a day":        {query(func(q *Query) { q.PromptLayout = "2006-01" }), []string{"employees.prompt_layout"}},
		"a layout with a comma":         {query(func(q *Query) { q.PromptLayout = "Jan 2, 2006" }), []string{"employees.prompt_layout"}},
		"a column nobody reads":         {query(func(q *Query) { q.Columns = map[string]string{"SALARY": "X"} }), []string{"employees.columns.SALARY"}},
		"a service without a path":      {service(Generic{URL: "https://elsewhere.example/"}), []string{"employees.url"}},
		"an unknown placeholder":        {service(Generic{URL: "/x/{who}"}), []string{"employees.url"}},
		"keyset without after":          {service(Generic{URL: "/x", Page: Keyset}), []string{"employees.url"}},
		"an unknown page rule":          {service(Generic{URL: "/x", Page: "offset"}), []string{"employees.page"}},
		"a credential in the headers":   {service(Generic{URL: "/x", Headers: map[string]string{"authorization": "x"}}), []string{"employees.headers"}},
		"a field for no column":         {service(Generic{URL: "/x", Fields: map[string]string{"pay": "COMPRATE"}}), []string{"employees.fields.COMPRATE"}},
		"a query and a service at once": {func(c *Config) { c.Generics[record.Vendor] = Generic{URL: "/x"} }, []string{"vendors"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := valid()
			tc.change(&c)
			var paths []string
			for _, p := range c.Validate() {
				paths = append(paths, p.Path)
			}
			if !slices.Equal(paths, tc.paths) {
				t.Errorf("problems %q, want %q: %v", paths, tc.paths, c.Validate())
			}
			if s, err := Open(c); (err == nil) != (len(tc.paths) == 0) || (err != nil && (fault.CodeOf(err) != fault.BadConfig || s != nil)) {
				t.Errorf("open: %v", err)
			}
		})
	}
}

func TestOpenNeedsAReadableCA(t *testing.T) {
	c := valid()
	c.CAFile = "/nowhere/ca.pem"
	if _, err := Open(c); fault.CodeOf(err) != fault.BadConfig {
		t.Errorf("got %v", err)
	}
}
