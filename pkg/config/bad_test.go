package config_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/config"
)

var update = flag.Bool("update", false, "write what the tests see into testdata")

// small is a correct file; the cases below replace or add lines of it.
const small = `tenant: small
timezone: UTC
peoplesoft:
  hcm:
    base_url: https://hr.example.com
    node: PSFT_HR
    auth: { basic: { username: MLCONN, password: env:PS } }
    employees: { query: ML_EMPLOYEES }
zendesk:
  base_url: https://small.zendesk.com
  auth: { client_credentials: { client_id: ml_connector } }
`

const basic = `auth: { basic: { username: MLCONN, password: env:PS } }`

func swap(old, new string) string {
	if strings.Count(small, old) != 1 {
		panic("swap: " + old)
	}
	return strings.Replace(small, old, new, 1)
}

func oauth2(text string) string { return swap(basic, "auth: { oauth2: { "+text+" } }") }

func employees(text string) string {
	return swap("employees: { query: ML_EMPLOYEES }", "employees: { "+text+" }")
}

func zauth(text string) string {
	return swap("auth: { client_credentials: { client_id: ml_connector } }", "auth: "+text)
}

func baseURL(u string) string { return swap("https://hr.example.com", u) }

func badFiles() map[string]string {
	return map[string]string{
		"an empty file":                             "",
		"only a comment":                            "# nothing\n",
		"only document separators":                  "---\n---\n",
		"a list in place of a tenant":               "- a\n- b\n",
		"a text in place of a tenant":               "hello\n",
		"not UTF-8":                                 "tenant: \xff\xfe\n",
		"a NUL byte":                                "tenant: a\x00b\n",
		"a tab as indentation":                      "tenant: a\npeoplesoft:\n\thcm: {}\n",
		"an open bracket":                           swap(basic, "auth: { basic: { username: MLCONN"),
		"an open quote":                             swap("UTC", "\"UTC"),
		"wrong indentation":                         swap("    node: PSFT_HR", "   node: PSFT_HR"),
		"nested too deep":                           "tenant: " + strings.Repeat("[", 30) + strings.Repeat("]", 30) + "\n",
		"one byte over the limit":                   small + "#" + strings.Repeat("x", config.MaxSize-len(small)),
		"an anchor and an alias":                    swap("UTC", "&a UTC") + "guard: *a\n",
		"a merge key":                               small + "guard: { <<: { suspend: { floor: 3 } } }\n",
		"a tag":                                     swap("UTC", "!!str UTC"),
		"an unknown key":                            swap("timezone:", "timezon:"),
		"an unknown key without a likely word":      small + "frobnicate: 1\n",
		"an unknown key deep inside":                employees("query: ML_EMPLOYEES, max_row: 5"),
		"lead days do not exist":                    small + "employees: { lead: 3d }\n",
		"a key given twice":                         small + "timezone: UTC\n",
		"a tenant name with capitals":               swap("tenant: small", "tenant: Small"),
		"a tenant name as a path":                   swap("tenant: small", "tenant: ../x"),
		"no tenant name":                            swap("tenant: small\n", ""),
		"an unknown zone":                           swap("UTC", "America/Chikago"),
		"the zone Local":                            swap("UTC", "Local"),
		"an empty zone":                             swap("UTC", ""),
		"a zone as a path":                          swap("UTC", "../../etc/passwd"),
		"no zendesk":                                small[:strings.Index(small, "zendesk:")],
		"nothing to read":                           swap("  hcm:", "  schedule: {}\n  xhcm:"),
		"an empty connection":                       "tenant: a\ntimezone: UTC\npeoplesoft: { hcm: {} }\nzendesk: {}\n",
		"plain http":                                baseURL("http://hr.example.com"),
		"http to a private address":                 baseURL("http://10.1.2.3"),
		"http to a name that looks like loopback":   baseURL("http://localhost.example.com"),
		"a URL without scheme":                      baseURL("hr.example.com"),
		"a URL of another scheme":                   baseURL("ftp://hr.example.com"),
		"a password in the URL is not shown":        baseURL("https://MLCONN:hunter2@hr.example.com"),
		"a query in the URL":                        baseURL("https://hr.example.com?x=1"),
		"a fragment in the URL":                     baseURL(`"https://hr.example.com#x"`),
		"an address in hexadecimal":                 baseURL("https://0x7f000001"),
		"an address as one number":                  baseURL("https://2130706433"),
		"a short address":                           baseURL("https://127.1"),
		"a port too large":                          baseURL("https://hr.example.com:70000"),
		"a port missing behind its colon":           baseURL(`"https://hr.example.com:"`),
		"a host with an underscore at its end":      baseURL("https://hr_.example.com"),
		"a URL that goes on to PSIGW":               baseURL("https://hr.example.com/PSIGW/RESTListeningConnector"),
		"a path that climbs":                        baseURL("https://hr.example.com/../x"),
		"a Zendesk URL with a path":                 swap("https://small.zendesk.com", "https://small.zendesk.com/api/v2"),
		"a node with a slash":                       swap("node: PSFT_HR", "node: PSFT/HR"),
		"a plain password is not shown":             swap("env:PS", "hunter2"),
		"a number as password is not shown":         swap("env:PS", "12345678"),
		"a relative secret file":                    swap("env:PS", "file:secrets/ps"),
		"a secret from a vault of somebody else":    swap("env:PS", "vault:acme/ps"),
		"an empty environment name":                 swap("env:PS", `"env:"`),
		"a list as password":                        swap("env:PS", "[hunter2]"),
		"a plain webhook secret is not shown":       small + "  webhook: { secret: hunter2 }\n",
		"no way to sign in":                         swap(basic, "auth: {}"),
		"two ways to sign in":                       swap(basic, "auth: { basic: { username: A }, oauth2: { token_url: https://x.example.com/t, client_id: a } }"),
		"a text as auth is not shown":               swap(basic, "auth: hunter2"),
		"oauth2 without its address":                oauth2("client_id: a"),
		"oauth2 over http":                          oauth2("token_url: http://id.example.com/t, client_id: a"),
		"oauth2 with an unknown style":              oauth2("token_url: https://id.example.com/t, client_id: a, auth_style: heder"),
		"oauth2 with scopes as a text":              oauth2("token_url: https://id.example.com/t, client_id: a, scopes: read"),
		"an unknown way into Zendesk":               zauth("{ password: { email: a@example.com } }"),
		"two ways into Zendesk":                     zauth("{ api_token: { email: a@example.com }, client_credentials: { client_id: a } }"),
		"an api token without an address":           zauth("{ api_token: { token: env:T } }"),
		"an api token with a bad address":           zauth("{ api_token: { email: nobody, token: env:T } }"),
		"an old protocol":                           swap(basic, basic+"\n    tls: { min_version: 1.1 }"),
		"a query without its name":                  employees("format: JSON"),
		"a query in small letters":                  employees("query: ml_employees"),
		"an unknown format":                         employees("query: A, format: json"),
		"an unknown owner":                          employees("query: A, owner: PUBLIK"),
		"no rows":                                   employees("query: A, max_rows: 0"),
		"rows as a text":                            employees("query: A, max_rows: many"),
		"rows with a fraction":                      employees("query: A, max_rows: 10.5"),
		"a prompt with a comma":                     employees(`query: A, prompts: { from: "A,B", to: C }`),
		"from without to":                           employees("query: A, prompts: { from: F }"),
		"effective dates half given":                employees("query: A, prompts: { eff_to: T }"),
		"a layout without a day":                    employees(`query: A, prompt_layout: "2006-01"`),
		"a layout with a comma":                     employees(`query: A, prompt_layout: "Jan 02, 2006"`),
		"a column that PeopleSoft cannot have":      employees("query: A, columns: { dept-descr: X }"),
		"an unknown type of query":                  employees("type: qas-soap, query: A"),
		"keys of the other type":                    employees("query: A, url: /x, row_path: a.b"),
		"a generic query without url and fields":    employees("type: rest-generic, query: A"),
		"a generic url with a host":                 employees(`type: rest-generic, fields: { EMPLID: id }, url: "https://evil.example/{after}"`),
		"a generic url with an unknown placeholder": employees(`type: rest-generic, fields: { EMPLID: id }, url: "/x/{afer}"`),
		"keyset without after":                      employees(`type: rest-generic, fields: { EMPLID: id }, url: /x, page: keyset`),
		"an interval under a second":                swap("peoplesoft:\n", "peoplesoft:\n  schedule: { employees: 500ms }\n"),
		"an interval without a unit":                swap("peoplesoft:\n", "peoplesoft:\n  schedule: { employees: 5 }\n"),
		"a cron line of six fields":                 swap("peoplesoft:\n", "peoplesoft:\n  schedule: { full: \"0 0 2 * * *\" }\n"),
		"a cron line out of range":                  swap("peoplesoft:\n", "peoplesoft:\n  schedule: { full: \"0 25 * * *\" }\n"),
		"a cron line that never comes":              swap("peoplesoft:\n", "peoplesoft:\n  schedule: { full: \"0 0 30 2 *\" }\n"),
		"the last day of a month":                   swap("peoplesoft:\n", "peoplesoft:\n  schedule: { full: \"0 0 L * *\" }\n"),
		"a negative overlap":                        swap("peoplesoft:\n", "peoplesoft:\n  schedule: { overlap: -5m }\n"),
		"an overlap of days":                        swap("peoplesoft:\n", "peoplesoft:\n  schedule: { overlap: 2d }\n"),
		"ib without nodes":                          swap("peoplesoft:\n", "peoplesoft:\n  ib: { auth: { basic: { username: a } } }\n"),
		"ib with an empty list of nodes":            swap("peoplesoft:\n", "peoplesoft:\n  ib: { nodes: [], auth: { basic: { username: a } } }\n"),
		"a node given twice":                        swap("peoplesoft:\n", "peoplesoft:\n  ib: { nodes: [A, A], auth: { basic: { username: a } } }\n"),
		"a share above one":                         small + "  budget: { share: 80 }\n",
		"a share of nothing":                        small + "  budget: { share: 0, jobs: 0 }\n",
		"too many jobs":                             small + "  budget: { jobs: 31 }\n",
		"a dropdown without options":                small + "  define: { user_fields.company: { type: dropdown } }\n",
		"options of a date":                         small + "  define: { user_fields.last_hire: { type: date, options: [A] } }\n",
		"an option given twice":                     small + "  define: { user_fields.company: { type: dropdown, options: [GBI, gbi] } }\n",
		"a sort of field that does not fit":         small + "  define: { user_fields.company: { type: multiselect } }\n",
		"a defined field without its kind":          small + "  define: { company: { type: text } }\n",
		"adopt with another word":                   small + "  adopt: yes\n",
		"an unknown organization of a person":       small + "employees: { scope: { per_org: [EMPL] } }\n",
		"an unknown status":                         small + "employees: { scope: { active_status: [A, Z] } }\n",
		"an empty scope":                            small + "employees: { scope: { active_status: [] } }\n",
		"an unknown source field":                   small + "employees: { user: { departmnt: user_fields.department } }\n",
		"a target that is not a user field":         small + "employees: { user: { title: role } }\n",
		"an organization field for a user":          small + "employees: { user: { title: organization_fields.title } }\n",
		"two sources for one target":                small + "employees: { user: { title: user_fields.x, department: user_fields.x } }\n",
		"an email type in small letters":            small + "employees: { email: { types: [busn] } }\n",
		"a third answer to a missing email":         small + "employees: { missing_email: skip }\n",
		"a vendor key without its set":              small + "vendors: { scope: { keys: [0000000011] } }\n",
		"an unknown vendor class":                   small + "vendors: { scope: { class: [Q] } }\n",
		"a percentage above a hundred":              small + "guard: { suspend: { percent: 101 } }\n",
		"a lead without its unit":                   small + "employees: { hire: { lead: 3 } }\n",
		"a lead of half a day":                      small + "employees: { hire: { lead: 12h } }\n",
		"a lead of more than two months":            small + "employees: { hire: { lead: 61d } }\n",
		"an hour that does not exist":               small + "employees: { leaver: { at: \"24:00\" } }\n",
		"an hour without minutes":                   small + "employees: { leaver: { at: 18 } }\n",
		"a third way to change an address":          small + "employees: { email: { change: replace } }\n",
		"a parking place that nothing moves to":     small + "employees: { email: { parking_domain: former.example.com } }\n",
		"a parking place that is no domain":         small + "employees: { email: { change: in_place, parking_domain: former@example } }\n",
		"a lag of minutes":                          small + "employees: { leaver: { lag: 90m } }\n",
		"a lag into the past":                       small + "employees: { leaver: { lag: -1d } }\n",
		"a word for uniform reads":                  small + "guard: { uniform: allow }\n",
		"eff_from without eff_to":                   employees("query: Q, prompts: { eff_from: EFFDT_FROM }"),
		"a negative floor":                          small + "guard: { create: { floor: -1 } }\n",
		"not a number":                              small + "guard: { suspend: { percent: .nan } }\n",
		"infinite":                                  small + "guard: { suspend: { percent: .inf } }\n",
		"a control character in a name":             swap("MLCONN", `"ML\u0007CONN"`),
		"the same tenant twice":                     small + "---\n" + small,
		"a problem in the second document":          small + "---\n" + strings.Replace(swap("UTC", "Mars/Base"), "small", "other", 1),
		"several problems in the order of the file": strings.NewReplacer("UTC", "Mars", "PSFT_HR", "a b", "env:PS", "hunter2").Replace(small) + "guards: {}\n",
	}
}

// TestBadFiles compares the messages for every bad file with testdata/bad.golden; -update writes it.
func TestBadFiles(t *testing.T) {
	files := badFiles()
	if len(files) < 60 {
		t.Fatalf("%d cases, want at least 60", len(files))
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_, problems := config.Decode("tenant.yaml", []byte(files[name]))
		if len(problems) == 0 {
			t.Errorf("%s: no problem found", name)
		}
		fmt.Fprintf(&out, "# %s\n%s\n\n", name, problems.Error())
		if strings.Contains(problems.Error(), "hunter2") || strings.Contains(problems.Error(), "12345678") {
			t.Errorf("%s: a message shows the secret:\n%v", name, problems)
		}
	}
	golden(t, "testdata/bad.golden", out.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path) //nolint:gosec // a fixed name
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	w, g := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			t.Fatalf("%s line %d:\nwant %s\ngot  %s", path, i+1, w[i], g[i])
		}
	}
	t.Fatalf("%s: %d lines, want %d", path, len(g), len(w))
}

func TestHarmlessFormsAreAccepted(t *testing.T) {
	for name, text := range map[string]string{
		"a byte order mark":              "\ufeff" + small,
		"line ends of Windows":           strings.ReplaceAll(small, "\n", "\r\n"),
		"a leading separator":            "---\n" + small,
		"a trailing separator":           small + "---\n",
		"keys with nothing behind them":  small + "employees:\nguard:\n",
		"an unquoted protocol version":   swap(basic, basic+"\n    tls: { min_version: 1.3 }"),
		"a client id of digits":          zauth("{ client_credentials: { client_id: 007 } }"),
		"a parking place":                small + "employees: { email: { change: in_place, parking_domain: former.example.com } }\n",
		"a time of day without quotes":   small + "employees: { leaver: { at: 18:00, lag: 2d }, hire: { lead: 3d }, email: { placeholders: [none@, \"@example.com\"] } }\n",
		"an IPv6 loopback address":       baseURL(`"http://[::1]:8000"`),
		"any address of 127/8":           baseURL("http://127.9.9.9:8000"),
		"exactly the largest size":       small + "#" + strings.Repeat("x", config.MaxSize-len(small)-1),
		"a leap day":                     swap("peoplesoft:\n", "peoplesoft:\n  schedule: { full: \"0 0 29 2 *\", vendors: \"*/15 6-20 * * MON-FRI\" }\n"),
		"a slash at the end of a URL":    baseURL("https://HR.example.com/ps/"),
		"a comment at the end of a line": swap("UTC", "UTC # zone"),
	} {
		t.Run(name, func(t *testing.T) {
			f, problems := config.Decode("tenant.yaml", []byte(text))
			if len(problems) > 0 || len(f.Tenants) != 1 {
				t.Fatalf("%d tenants, problems:\n%v", len(f.Tenants), problems)
			}
		})
	}
}
