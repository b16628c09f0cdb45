package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
)

func TestComingUpInStatus(t *testing.T) {
	many := &adminapi.Coming{Until: "2026-04-01", Days: []adminapi.ComingDay{{Day: "2026-03-03", Changes: 1}, {Day: "2026-03-10", Changes: 40}}}
	for i := range 41 {
		many.List = append(many.List, adminapi.ComingChange{Day: "2026-03-10", Kind: "employee", Key: fmt.Sprintf("%07d", i), What: []string{"title", "department"}})
	}
	for name, tc := range map[string]struct {
		coming *adminapi.Coming
		want   []string
		lines  int
	}{
		"nothing known":           {nil, nil, 0},
		"nothing comes":           {&adminapi.Coming{Until: "2026-04-01"}, nil, 0},
		"a count for each day":    {many, []string{"41 by 2026-04-01: 2026-03-03 1, 2026-03-10 40", "employee/0000009  title, department", "31 more"}, 12},
		"more than was looked at": {&adminapi.Coming{Until: "2026-04-01", More: true, Days: []adminapi.ComingDay{{Day: "2026-03-03", Changes: 1}}}, []string{"1 or more by"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			printComing(&out, tc.coming)
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
			if n := strings.Count(out.String(), "\n"); n != tc.lines {
				t.Errorf("%d lines, want %d:\n%s", n, tc.lines, out.String())
			}
		})
	}
}

func TestFindingsInASpreadsheetAreText(t *testing.T) {
	var out bytes.Buffer
	c := &common{env: app.Env{Stdout: &out}}
	rows := []adminapi.Finding{{Kind: "employee", Key: "=1+1", Code: "MISSING_EMAIL", Severity: "warning", Since: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Detail: "@cmd, \"x\""}}
	if err := printCSV(c, rows); err != nil {
		t.Fatal(err)
	}
	want := "code,kind,key,waits,since,detail,next,severity\nMISSING_EMAIL,employee,'=1+1,false,2026-03-02T08:00:00Z,\"'@cmd, \"\"x\"\"\",,warning\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
