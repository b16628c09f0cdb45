package peoplesoft

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkPage decodes an answer of 1,000 rows of the recommended columns into a page (design.md 10).
func BenchmarkPage(b *testing.B) {
	var rows []string
	for i := range 1000 {
		rows = append(rows, fmt.Sprintf(`{"attr:rownumber":%d,"EMPLID":"%07d","EMPL_RCD":0,"EFFDT":"2026-01-16","EFFSEQ":0,"NAME_DISPLAY":"Dana Example","FIRST_NAME":"Dana","LAST_NAME":"Example",`+
			`"EMAIL_ADDR":"dana%d@acme.example","PHONE":"555/0100","DEPTID":"0010200","SETID_DEPT":"SHARE","DEPT_DESCR":"Sales","JOBCODE":"420060","JOB_TITLE":"Analyst","POSITION_NBR":"00012345",`+
			`"SUPERVISOR_ID":" ","HR_STATUS":"A","EMPL_STATUS":"A","PER_ORG":"EMP","JOB_INDICATOR":"P","LOCATION":"OMA","COMPANY":"ACM","LAST_HIRE_DT":"2020-01-01","TERMINATION_DT":"","LASTUPDDTTM":"2026-03-02T08:15:30.000000"}`, i+1, i, i))
	}
	answer := answered("application/json", `{"status":"success","data":{"query":{"numrows":1000,"rows":[`+strings.Join(rows, ",")+`]}}}`)
	r := reader(JSON)
	b.ReportAllocs()
	for b.Loop() {
		table, err := r.understand(answer)
		if err != nil {
			b.Fatal(err)
		}
		lines, _, err := r.lines(table)
		if err != nil {
			b.Fatal(err)
		}
		if page, err := r.page(lines, true); err != nil || len(page.Records) != 1000 {
			b.Fatal(len(page.Records), err)
		}
	}
}
