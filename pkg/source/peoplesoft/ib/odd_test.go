package ib

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

func message(name, transactions string) string {
	return "<" + name + "><MsgData>" + transactions + "</MsgData></" + name + ">"
}

func tx(rows string) string { return "<Transaction>" + rows + "</Transaction>" }

const mailRow = `<EMAIL_ADDRESSES class="R"><E_ADDR_TYPE>BUSN</E_ADDR_TYPE><EMAIL_ADDR>a@example.com</EMAIL_ADDR></EMAIL_ADDRESSES>`

func TestOddButUnderstood(t *testing.T) {
	mail := func(how string) string { return "employee/0004711 email/BUSN " + how }
	set := mail(`set @2026-03-02T08:20:00 email="a@example.com"`)
	drop := mail("drop @2026-03-02T08:20:00")
	inPerson := func(rows string) string { return `<PERSON class="R"><EMPLID>0004711</EMPLID>` + rows + `</PERSON>` }
	dept := func(id, text string) string {
		return `<DEPT_TBL class="R"><SETID>SHARE</SETID><DEPTID>` + id + `</DEPTID><DESCR>` + text + `</DESCR></DEPT_TBL>`
	}
	deptLine := func(id, text string) string {
		return `reference/dept/SHARE/` + id + ` reference/ set @2026-03-02T08:20:00 text="` + text + `"`
	}
	full := func(action string) string {
		return `<PSCAMA class="R"><LANGUAGE_CD>ENG</LANGUAGE_CD><AUDIT_ACTN>` + action + `</AUDIT_ACTN></PSCAMA>`
	}
	for name, c := range map[string]struct {
		name, body string
		opts       Options
		want       []string
	}{
		"without class attributes":                      {"PERSON_BASIC_SYNC", strings.ReplaceAll(message("PERSON_BASIC_SYNC", tx(inPerson(mailRow+cama1("D")))), ` class="R"`, ""), Options{}, []string{drop}},
		"PSCAMA inside the row":                         {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(strings.Replace(mailRow, "</EMAIL_ADDRESSES>", cama1("D")+"</EMAIL_ADDRESSES>", 1)))), Options{}, []string{drop}},
		"PSCAMA before the row":                         {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(full("C")+inPerson(mailRow))), Options{}, []string{set}},
		"PSCAMA before each of several rows":            {"DEPT_SYNC", message("DEPT_SYNC", tx(cama1("A")+dept("1", "one")+cama1("D")+dept("2", "two"))), Options{}, []string{deptLine("1", "one"), "reference/dept/SHARE/2 reference/ drop @2026-03-02T08:20:00"}},
		"no PSCAMA at all":                              {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(mailRow))), Options{}, []string{set}},
		"no Transaction around the rows":                {"DEPT_FULLSYNC", message("DEPT_FULLSYNC", dept("1", "one")+cama1("")+dept("2", "two")+cama1("A")), Options{}, []string{deptLine("1", "one"), deptLine("2", "two")}},
		"no MsgData":                                    {"DEPT_SYNC", "<DEPT_SYNC>" + tx(dept("1", "one")) + "</DEPT_SYNC>", Options{}, []string{deptLine("1", "one")}},
		"wrappers that nobody knows":                    {"DEPT_SYNC", "<DEPT_SYNC><Message><MsgData>" + tx("<SCROLL>"+dept("1", "one")+"</SCROLL>") + "</MsgData></Message></DEPT_SYNC>", Options{}, []string{deptLine("1", "one")}},
		"namespace prefixes":                            {"DEPT_SYNC", strings.NewReplacer("</", "</p:", "<", "<p:").Replace(message("DEPT_SYNC", tx(dept("1", "one")))), Options{}, []string{deptLine("1", "one")}},
		"lower-case names":                              {"DEPT_SYNC", message("DEPT_SYNC", tx(strings.NewReplacer("DEPT_TBL", "dept_tbl", "SETID", "setid", "DESCR", "descr").Replace(dept("1", "one")))), Options{}, []string{deptLine("1", "one")}},
		"keys come from the row around":                 {"WORKFORCE_SYNC", message("WORKFORCE_SYNC", tx(`<PER_ORG_INST class="R"><EMPLID>0004711</EMPLID><EMPL_RCD>2</EMPL_RCD><JOB class="R"><EMPL_RCD> </EMPL_RCD><EFFDT>2026-01-01</EFFDT><HR_STATUS>A</HR_STATUS></JOB></PER_ORG_INST>`)), Options{}, []string{`employee/0004711 job/2 2026-01-01/0 set @2026-03-02T08:20:00 hr_status="A"`}},
		"a stated key counts more than the one around":  {"WORKFORCE_SYNC", message("WORKFORCE_SYNC", tx(`<PERSON class="R"><EMPLID>1</EMPLID><JOB class="R"><EMPLID>01</EMPLID><EMPL_RCD>003</EMPL_RCD><EFFDT>2026-01-01</EFFDT><HR_STATUS>A</HR_STATUS></JOB></PERSON>`)), Options{}, []string{`employee/01 job/3 2026-01-01/0 set @2026-03-02T08:20:00 hr_status="A"`}},
		"several people in one Transaction":             {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(mailRow)+strings.Replace(inPerson(mailRow), "0004711", "0004712", 1))), Options{}, []string{set, strings.Replace(set, "4711", "4712", 1)}},
		"key changed: the old row goes, the new stands": {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(strings.ReplaceAll(mailRow, "BUSN", "HOME")+cama1("K")+mailRow+cama1("N")))), Options{}, []string{"employee/0004711 email/HOME drop @2026-03-02T08:20:00", set}},
		"deleted and entered again":                     {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(mailRow+cama1("D")+mailRow+cama1("A")))), Options{}, []string{set}},
		"entered again and deleted, the other order":    {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(mailRow+cama1("A")+mailRow+cama1("D")))), Options{}, []string{set}},
		"rows below a deleted row go with it":           {"WORKFORCE_SYNC", message("WORKFORCE_SYNC", tx(`<PER_ORG_ASGN class="R"><EMPLID>1</EMPLID><JOB class="R"><EFFDT>2026-01-01</EFFDT></JOB></PER_ORG_ASGN>`+cama1("D"))), Options{}, []string{"employee/1 assignment/0 drop @2026-03-02T08:20:00", "employee/1 job/0 2026-01-01/0 drop @2026-03-02T08:20:00"}},
		"site names of records and fields":              {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(strings.NewReplacer("EMAIL_ADDRESSES", "X_MAIL", "EMAIL_ADDR>", "X_ADDR>").Replace(inPerson(mailRow)))), Options{Records: map[string]string{"x_mail": "EMAIL_ADDRESSES"}, Fields: map[string]string{"EMAIL_ADDRESSES.X_ADDR": "email_addr"}}, []string{set}},
		"a site name of the message":                    {"ACME_HR_PERSON", message("ACME_HR_PERSON", tx(inPerson(mailRow))), Options{Aliases: map[string]string{"acme_hr_person": "PERSON_BASIC_SYNC"}}, []string{set}},
		"the root element wins":                         {"VENDOR_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(mailRow))), Options{}, []string{set}},
		"control characters are dropped":                {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson(strings.Replace(mailRow, "a@", "\x00a&#x1;\x1f@", 1)))), Options{}, []string{set}},
		"an instruction and comments around":            {"DEPT_SYNC", "<!-- a --><?x y?>" + message("DEPT_SYNC", tx(dept("1", "one"))) + "<!-- b -->\n<?z?>", Options{}, []string{deptLine("1", "one")}},
		"a translation is not a text":                   {"DEPT_SYNC", message("DEPT_SYNC", tx(dept("1", "eins")+`<PSCAMA class="R"><LANGUAGE_CD>GER</LANGUAGE_CD><BASE_LANGUAGE_CD>ENG</BASE_LANGUAGE_CD></PSCAMA>`)+tx(dept("2", "two"))), Options{}, []string{deptLine("2", "two")}},
		"a change time that is none":                    {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(inPerson("<LAST_CHILD_UPDDTTM>never</LAST_CHILD_UPDDTTM>"+mailRow))), Options{}, []string{set}},
		"JSON, rows in lists": {"PERSON_BASIC_SYNC", `{"PERSON_BASIC_SYNC":{"FieldTypes":{"PERSON":{"EMPLID":"CHAR"}},"MsgData":{"Transaction":[{"PERSON":{"EMPLID":"0004711","BIRTHDATE":"1970-07-07","EMAIL_ADDRESSES":[{"E_ADDR_TYPE":"BUSN","EMAIL_ADDR":"a@example.com"},
			{"E_ADDR_TYPE":"HOME","PSCAMA":{"AUDIT_ACTN":"D"}}]},"PSCAMA":{"AUDIT_ACTN":"C"}}]}}}`, Options{}, []string{set, strings.Replace(drop, "BUSN", "HOME", 1)}},
		"JSON without anything around": {"WORKFORCE_SYNC", `[{"JOB":{"EMPLID":"0004711","EMPL_RCD":1,"EFFDT":"2026-01-01","EFFSEQ":2,"HR_STATUS":"A","DEPTID":null}}]`, Options{}, []string{`employee/0004711 job/1 2026-01-01/2 set @2026-03-02T08:20:00 dept="" hr_status="A"`}},
	} {
		t.Run(name, func(t *testing.T) {
			m, lines, stats, err := read(delivery(c.name, c.body), c.opts)
			if err != nil {
				t.Fatalf("%v %+v", err, stats)
			}
			same(t, lines, c.want)
			if familyOf(m.Name) == noFamily {
				t.Errorf("named %s", m.Name)
			}
		})
	}
}

func TestWhatIsNotAFactButNoFault(t *testing.T) {
	flag := func(f string) string {
		return tx(`<DEPT_TBL class="R"><SETID> </SETID><DEPTID/></DEPT_TBL><PSCAMA class="R"><MSG_SEQ_FLG>` + f + `</MSG_SEQ_FLG></PSCAMA>`)
	}
	for name, c := range map[string]struct {
		name, body string
		want       Stats
		note       string
	}{
		"the header of a FULLSYNC":  {"DEPT_FULLSYNC", message("DEPT_FULLSYNC", flag("H")), Stats{Transactions: 1, HeaderOnly: true}, ""},
		"the trailer of a FULLSYNC": {"DEPT_FULLSYNC", message("DEPT_FULLSYNC", flag("T")), Stats{Transactions: 1, TrailerOnly: true}, ""},
		"a deleted person":          {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(`<PERSON class="R"><EMPLID>1</EMPLID>`+mailRow+cama1("D")+`</PERSON>`+cama1("D"))), Stats{Transactions: 1, Rows: 2, Ignored: 2}, "PERSON was deleted or its key changed"},
		"original values only":      {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(`<PERSON class="R"><EMPLID>1</EMPLID>`+mailRow+cama1("O")+`</PERSON>`)), Stats{Transactions: 1, Rows: 2, Ignored: 1}, ""},
		"a person without anything": {"PERSON_BASIC_SYNC", message("PERSON_BASIC_SYNC", tx(`<PERSON class="R"><EMPLID>1</EMPLID></PERSON>`)), Stats{Transactions: 1, Rows: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, lines, stats, err := read(delivery(c.name, c.body), Options{})
			note := ""
			if len(stats.Notes) > 0 {
				note = stats.Notes[0].Detail
			}
			if stats.Notes = nil; err != nil || len(lines) > 0 || stats.HeaderOnly != c.want.HeaderOnly || stats.TrailerOnly != c.want.TrailerOnly ||
				stats.Rows != c.want.Rows || stats.Ignored != c.want.Ignored || stats.Transactions != c.want.Transactions || !strings.HasPrefix(note, c.note) {
				t.Fatalf("%v %q %+v %q", err, lines, stats, note)
			}
		})
	}
}

func TestRefusedWithAReason(t *testing.T) {
	jobRow := func(rows string) string {
		return message("WORKFORCE_SYNC", tx(`<JOB class="R"><EMPLID>1</EMPLID>`+rows+`</JOB>`))
	}
	deep := strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)
	for name, c := range map[string]struct {
		body string
		code fault.Code
		text string
	}{
		"empty":                            {"", fault.BadEnvelope, "empty"},
		"only space":                       {" \r\n", fault.BadEnvelope, "empty"},
		"words":                            {"hello", fault.SourceNotData, "neither XML nor JSON"},
		"a page of a proxy":                {"<html><body>down</body></html>", fault.BadEnvelope, "none of those"},
		"an unknown message":               {message("FOO_SYNC", tx("<FOO/>")), fault.BadEnvelope, "none of those"},
		"CSV in CDATA":                     {"<?xml version=\"1.0\"?><![CDATA[EMPLID,DEPTID\n0000123,10200]]>", fault.SourceNotData, "neither"},
		"an empty CDATA section":           {"<?xml version=\"1.0\"?><![CDATA[]]>", fault.SourceNotData, "empty"},
		"no rows":                          {"<WORKFORCE_SYNC><FieldTypes/><MsgData/></WORKFORCE_SYNC>", fault.SourceSchema, "none of the records"},
		"a DOCTYPE":                        {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + jobRow("<EFFDT>&x;</EFFDT>"), fault.BadEnvelope, "DOCTYPE"},
		"a DOCTYPE inside":                 {message("WORKFORCE_SYNC", "<!DOCTYPE a>"), fault.BadEnvelope, "DOCTYPE"},
		"an entity of nobody's":            {jobRow("<EFFDT>&x;</EFFDT>"), fault.BadEnvelope, "entity"},
		"too deep":                         {message("WORKFORCE_SYNC", deep), fault.BadEnvelope, "deeper"},
		"too deep in FieldTypes":           {"<WORKFORCE_SYNC><FieldTypes>" + deep + "</FieldTypes></WORKFORCE_SYNC>", fault.BadEnvelope, "deeper"},
		"a second root":                    {jobRow("<EFFDT>2026-01-01</EFFDT><HR_STATUS>A</HR_STATUS>") + "<a/>", fault.BadEnvelope, "second root"},
		"bytes behind the root":            {jobRow("<EFFDT>2026-01-01</EFFDT><HR_STATUS>A</HR_STATUS>") + "x", fault.BadEnvelope, "outside"},
		"the same attribute twice":         {`<WORKFORCE_SYNC a="1" a="2"/>`, fault.BadEnvelope, "twice"},
		"a comment inside a value":         {jobRow("<EFFDT>2026-<!-- -->01-01</EFFDT>"), fault.BadEnvelope, "comment"},
		"invalid UTF-8":                    {jobRow("<ACTION>\xff</ACTION>"), fault.BadText, "character set"},
		"a job without a date":             {jobRow("<HR_STATUS>A</HR_STATUS>"), fault.SourceSchema, "no EFFDT"},
		"a job with another sort of date":  {jobRow("<EFFDT>03/02/2026</EFFDT>"), fault.SourceSchema, "EFFDT"},
		"a sequence that is no number":     {jobRow("<EFFDT>2026-01-01</EFFDT><EFFSEQ>x</EFFSEQ>"), fault.SourceSchema, "EFFSEQ"},
		"a key with a slash":               {strings.Replace(jobRow("<EFFDT>2026-01-01</EFFDT><HR_STATUS>A</HR_STATUS>"), ">1<", ">../1<", 1), fault.SourceSchema, "key"},
		"a value twice":                    {jobRow("<EFFDT>2026-01-01</EFFDT><HR_STATUS>A</HR_STATUS><HR_STATUS>I</HR_STATUS>"), fault.SourceSchema, "twice"},
		"a day that is none":               {jobRow("<EFFDT>2026-01-01</EFFDT><TERMINATION_DT>soon</TERMINATION_DT>"), fault.SourceSchema, "not a date"},
		"an IBRequest without content":     {request("PERSON_BASIC_SYNC", "async", ""), fault.BadEnvelope, "no content"},
		"an IBRequest with mixed content":  {request("PERSON_BASIC_SYNC", "async", cdata(person)+"<a/>"), fault.BadEnvelope, "text and elements"},
		"a SOAP body without content":      {soap(soap11, ""), fault.BadEnvelope, "no content"},
		"JSON with a key as a number":      {`{"WORKFORCE_SYNC":{"JOB":{"EMPLID":4711,"EFFDT":"2026-01-01"}}}`, fault.SourceSchema, "zeros"},
		"JSON with the same key twice":     {`{"WORKFORCE_SYNC":{"JOB":{"EMPLID":"1","emplid":"2"}}}`, fault.BadEnvelope, "same key twice"},
		"JSON of something else":           {`{"a":1}`, fault.SourceSchema, "none of the records"},
		"gzip that is damaged":             {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + strings.Repeat("\xff", 40), fault.BadEnvelope, "damaged"},
		"something behind a compressed":    {packZlib(person) + "x", fault.BadEnvelope, "follows"},
		"an attribute that is very long":   {`<WORKFORCE_SYNC a="` + strings.Repeat("x", 70<<10) + `"/>`, fault.BadEnvelope, "attribute longer"},
		"an attribute longer than buffers": {`<WORKFORCE_SYNC a="` + strings.Repeat("x", 1<<20) + `"/>`, fault.BadEnvelope, "tag longer"},
		"a value that is very long":        {jobRow("<ACTION>" + strings.Repeat("x", 70<<10) + "</ACTION>"), fault.BadEnvelope, "text longer"},
		"a value longer than a field":      {jobRow("<EFFDT>2026-01-01</EFFDT><ACTION>" + strings.Repeat("x", 5000) + "</ACTION>"), fault.SourceSchema, "4,000"},
		"very many rows":                   {message("DEPT_SYNC", tx(strings.Repeat(`<DEPT_TBL class="R"/>`, 20_001))), fault.TooLarge, "more rows"},
		"a bomb":                           {packGzip(strings.Repeat(" ", 20<<20) + "<a/>"), fault.TooLarge, "plausible"},
		"a bomb in three layers":           {packGzip(packGzip(strings.Repeat(" ", 70<<20))), fault.TooLarge, "plausible"},
	} {
		t.Run(name, func(t *testing.T) {
			d := delivery("WORKFORCE_SYNC", c.body)
			if strings.Contains(name, "unknown") || strings.Contains(name, "page") {
				delete(d.Header, "Externaloperationname")
			}
			_, lines, _, err := read(d, Options{})
			if fault.CodeOf(err) != c.code || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("%v %q", err, lines)
			}
			for _, canary := range canaries {
				if strings.Contains(err.Error(), canary) {
					t.Error("the error holds a value")
				}
			}
		})
	}
}

func TestTimesOfTheEnvelope(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in   string
		zone *time.Location
		want erp.Stamp
	}{
		"an instant becomes the wall clock of the database": {"2026-03-02T14:20:00.5+0000", chicago, "2026-03-02T08:20:00.500000"},
		"also with Z":                      {"2026-03-02T14:20:00Z", chicago, "2026-03-02T08:20:00.000000"},
		"without an offset it is one":      {"2026-03-02T08:20:00", chicago, "2026-03-02T08:20:00.000000"},
		"without a zone the offset is cut": {"2026-03-02T08:20:00-0600", nil, "2026-03-02T08:20:00.000000"},
		"nothing":                          {"", chicago, ""},
		"something else":                   {"Mon Mar  2", chicago, ""},
		"a year that cannot be":            {"0001-01-01T00:00:00", chicago, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sentStamp(c.in, c.zone); got != c.want {
				t.Fatal(got)
			}
		})
	}
}

func TestTheCallersErrorComesBackAsItIs(t *testing.T) {
	m, err := Open(delivery("PERSON_BASIC_SYNC", person), Options{})
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("full")
	if _, err = m.Each(func(source.Record) error { return full }); err != full { //nolint:errorlint // as it is
		t.Fatal(err)
	}
	if _, err = m.Each(func(source.Record) error { return nil }); err == nil {
		t.Fatal("a message was read twice")
	}
}

func TestABodyThatBreaks(t *testing.T) {
	d := delivery("PERSON_BASIC_SYNC", "")
	d.Body = broken{strings.NewReader(person[:700])}
	_, _, _, err := read(d, Options{})
	if fault.KindOf(err) != fault.Transient || fault.CodeOf(err) != fault.SourceTruncated {
		t.Fatal(err)
	}
}

type broken struct{ in *strings.Reader }

func (b broken) Read(p []byte) (int, error) {
	if n, err := b.in.Read(p); err == nil {
		return n, nil
	}
	return 0, errors.New("connection reset")
}

func TestManyRowsOfOnePerson(t *testing.T) {
	rows := ""
	for i := range 3000 {
		for range 2 {
			rows += fmt.Sprintf(`<JOB class="R"><EFFDT>2026-01-01</EFFDT><EFFSEQ>%d</EFFSEQ><HR_STATUS>A</HR_STATUS></JOB>`, i)
		}
	}
	m, err := Open(delivery("WORKFORCE_SYNC", message("WORKFORCE_SYNC", tx(`<PERSON class="R"><EMPLID>1</EMPLID>`+rows+`</PERSON>`))), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	_, err = m.Each(func(r source.Record) error {
		if why := misfit(r); why != "" {
			t.Error(why)
		}
		sizes = append(sizes, len(r.Facts))
		return nil
	})
	if err != nil || len(sizes) != 2 || sizes[0] != 2000 || sizes[1] < 1000 {
		t.Fatal(err, sizes)
	}
}
