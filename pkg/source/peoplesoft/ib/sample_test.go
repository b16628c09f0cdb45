package ib

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// delivery is a POST of body with the headers of a bare message.
func delivery(name, body string) Delivery {
	return Delivery{Method: http.MethodPost, Body: strings.NewReader(body), Header: http.Header{
		"Content-Type": {"text/xml; charset=UTF-8"}, "Externaloperationname": {name + ".VERSION_9"}, "Operationtype": {"async"},
		"Origtimestamp": {"2026-03-02T08:20:00.000000-0500"}, "From": {"PSFT_HR"}, "To": {"ML_CONNECTOR"}, "Transactionid": {"tx-1"},
		"Datachunk": {"1"}, "Datachunkcount": {"1"}}}
}

// read opens and reads d; the records are written as text, one fact a line.
func read(d Delivery, o Options) (m *Message, lines []string, stats Stats, err error) {
	m, err = Open(d, o)
	if err != nil {
		return m, nil, Stats{}, err
	}
	stats, err = m.Each(func(r source.Record) error {
		lines = append(lines, write(r)...)
		return nil
	})
	return m, lines, stats, err
}

func write(r source.Record) []string {
	var lines []string
	for _, f := range r.Facts {
		line := fmt.Sprintf("%s %s/%s", r.Ref, f.Facet, f.Row)
		if f.EffDate != "" {
			line += fmt.Sprintf(" %s/%d", f.EffDate, f.EffSeq)
		}
		line += " " + string(f.Action) + " @" + strings.TrimSuffix(string(f.Stamp), ".000000")
		var fields []string
		for k, v := range f.Fields {
			fields = append(fields, fmt.Sprintf("%s=%q", k, v))
		}
		slices.Sort(fields)
		lines = append(lines, strings.TrimSpace(line+" "+strings.Join(fields, " ")))
	}
	return lines
}

// canaries are values of fields that must never leave the package.
var canaries = []string{"999-88-7777", "1970-07-07", "CANARY-BANK", "CANARY-TAX", "7654321.00", "CANARY-BIRTHPLACE"}

const fieldTypes = `<FieldTypes><PERSON class="R"><EMPLID type="CHAR"/><BIRTHDATE type="DATE"/></PERSON><PSCAMA class="R"><AUDIT_ACTN type="CHAR"/></PSCAMA></FieldTypes>`

func cama1(action string) string {
	return `<PSCAMA class="R"><AUDIT_ACTN>` + action + `</AUDIT_ACTN></PSCAMA>`
}

// person is the message of peoplesoft.md 2.6, with rows that must not be read.
var person = `<?xml version="1.0"?><PERSON_BASIC_SYNC>` + fieldTypes + `<MsgData><Transaction>
<PERSON class="R"><EMPLID>0004711</EMPLID><BIRTHDATE>1970-07-07</BIRTHDATE><BIRTHPLACE>CANARY-BIRTHPLACE</BIRTHPLACE><DT_OF_DEATH/>
 <LAST_CHILD_UPDDTTM>2026-03-02T08:15:30.000000-0500</LAST_CHILD_UPDDTTM>
 <NAME_TYPE_VW class="R"><EMPLID>0004711</EMPLID><NAME_TYPE>PRI</NAME_TYPE>
 <NAMES class="R"><EMPLID>0004711</EMPLID><EFFDT>2026-03-01</EFFDT><EFF_STATUS>A</EFF_STATUS>
  <NAME_DISPLAY IsChanged="Y">Dana O&apos;Brien &amp; Söhne</NAME_DISPLAY><FIRST_NAME>Dana</FIRST_NAME><LAST_NAME>O&#39;Brien</LAST_NAME><LASTUPDDTTM>2026-03-01T07:00:00.000000-0500</LASTUPDDTTM></NAMES>` + cama1("A") + `</NAME_TYPE_VW>` + cama1("") + `
 <NAMES class="R"><EMPLID>0004711</EMPLID><NAME_TYPE>PRF</NAME_TYPE><EFFDT>2026-09-01</EFFDT><EFF_STATUS>A</EFF_STATUS>
  <NAME_DISPLAY><![CDATA[Dee <O'Brien>]]></NAME_DISPLAY></NAMES>` + cama1("A") + `
 <PERS_NID class="R"><EMPLID>0004711</EMPLID><COUNTRY>USA</COUNTRY><NATIONAL_ID_TYPE>PR</NATIONAL_ID_TYPE><NATIONAL_ID>999-88-7777</NATIONAL_ID></PERS_NID>` + cama1("A") + `
 <EMAIL_ADDRESSES class="R"><EMPLID>0004711</EMPLID><E_ADDR_TYPE>BUSN</E_ADDR_TYPE><EMAIL_ADDR>Dana.OBrien@Example.com </EMAIL_ADDR><PREF_EMAIL_FLAG>Y</PREF_EMAIL_FLAG></EMAIL_ADDRESSES>` + cama1("A") + `
 <EMAIL_ADDRESSES class="R"><EMPLID>0004711</EMPLID><E_ADDR_TYPE>HOME</E_ADDR_TYPE><EMAIL_ADDR>old@example.com</EMAIL_ADDR></EMAIL_ADDRESSES>` + cama1("D") + `
 <PERSONAL_PHONE class="R"><EMPLID>0004711</EMPLID><PHONE_TYPE>BUSN</PHONE_TYPE><PHONE> </PHONE></PERSONAL_PHONE><PSCAMA class="R"><AUDIT_ACTN/></PSCAMA>
</PERSON><PSCAMA class="R"><LANGUAGE_CD>ENG</LANGUAGE_CD><AUDIT_ACTN>C</AUDIT_ACTN><BASE_LANGUAGE_CD>ENG</BASE_LANGUAGE_CD><MSG_SEQ_FLG/><PROCESS_INSTANCE>0</PROCESS_INSTANCE></PSCAMA>
</Transaction></MsgData></PERSON_BASIC_SYNC>`

var personLines = []string{
	`employee/0004711 person/ set @2026-03-02T08:15:30 deceased=""`,
	`employee/0004711 name/PRI 2026-03-01/0 set @2026-03-01T07:00:00 display_name="Dana O'Brien & Söhne" eff_status="A" first_name="Dana" last_name="O'Brien"`,
	`employee/0004711 name/PRF 2026-09-01/0 set @2026-03-02T08:15:30 display_name="Dee <O'Brien>" eff_status="A"`,
	`employee/0004711 email/BUSN set @2026-03-02T08:15:30 email="Dana.OBrien@Example.com" preferred="Y"`,
	`employee/0004711 email/HOME drop @2026-03-02T08:15:30`,
	`employee/0004711 phone/BUSN set @2026-03-02T08:15:30 phone=""`,
}

// workforce is the message of peoplesoft.md 2.7: a rehire next month, a deleted row, pay that must not be read.
var workforce = `<?xml version="1.0"?><WORKFORCE_SYNC><FieldTypes/><MsgData><Transaction>
<PER_ORG_ASGN class="R"><EMPLID>0004711</EMPLID><EMPL_RCD>0</EMPL_RCD><PER_ORG>EMP</PER_ORG><BUSINESS_TITLE>Senior Analyst</BUSINESS_TITLE>
 <JOB class="R"><EMPLID>0004711</EMPLID><EMPL_RCD>0</EMPL_RCD><EFFDT>2026-04-01</EFFDT><EFFSEQ>0</EFFSEQ><PER_ORG>EMP</PER_ORG><DEPTID>0010200</DEPTID><SETID_DEPT>SHARE</SETID_DEPT>
  <JOBCODE>420060</JOBCODE><POSITION_NBR>00012345</POSITION_NBR><SUPERVISOR_ID> </SUPERVISOR_ID><HR_STATUS>A</HR_STATUS><EMPL_STATUS>A</EMPL_STATUS><ACTION>REH</ACTION>
  <JOB_INDICATOR>P</JOB_INDICATOR><ANNUAL_RT>7654321.00</ANNUAL_RT><LASTUPDDTTM>2026-03-02T08:15:30.000000-0500</LASTUPDDTTM>
  <COMPENSATION class="R"><EMPLID>0004711</EMPLID><COMPRATE>7654321.00</COMPRATE></COMPENSATION>` + cama1("A") + `</JOB>` + cama1("A") + `
 <JOB class="R"><EFFDT>2026-01-16</EFFDT><EFFSEQ>1</EFFSEQ><HR_STATUS>I</HR_STATUS><TERMINATION_DT>2026-01-15</TERMINATION_DT></JOB><PSCAMA class="R"><AUDIT_ACTN/></PSCAMA>
 <JOB class="R"><EMPLID>0004711</EMPLID><EMPL_RCD>0</EMPL_RCD><EFFDT>2025-12-01</EFFDT><EFFSEQ/><HR_STATUS>A</HR_STATUS></JOB>` + cama1("D") + `
 <JOB class="R"><EMPLID>0004711</EMPLID><EMPL_RCD>0</EMPL_RCD><EFFDT>2025-11-01</EFFDT><HR_STATUS>A</HR_STATUS></JOB>` + cama1("O") + `
</PER_ORG_ASGN><PSCAMA class="R"><LANGUAGE_CD>ENG</LANGUAGE_CD><AUDIT_ACTN>C</AUDIT_ACTN></PSCAMA></Transaction></MsgData></WORKFORCE_SYNC>`

var workforceLines = []string{
	`employee/0004711 assignment/0 set @2026-03-02T08:20:00 per_org="EMP" title="Senior Analyst"`,
	`employee/0004711 job/0 2026-04-01/0 set @2026-03-02T08:15:30 action="REH" dept="0010200" dept_set="SHARE" empl_status="A" hr_status="A" job_code="420060" job_indicator="P" per_org="EMP" position="00012345" supervisor=""`,
	`employee/0004711 job/0 2026-01-16/1 set @2026-03-02T08:20:00 hr_status="I" terminated="2026-01-15"`,
	`employee/0004711 job/0 2025-12-01/0 drop @2026-03-02T08:20:00`,
}

var vendor = `<?xml version="1.0"?><VENDOR_SYNC xmlns="http://xmlns.oracle.com/Enterprise/Tools/schemas/VENDOR_SYNC.VERSION_1"><FieldTypes/><MsgData><Transaction>
<VENDOR class="R"><SETID>SHARE</SETID><VENDOR_ID>0000000011</VENDOR_ID><VENDOR_NAME_SHORT>4STARHOSES-001</VENDOR_NAME_SHORT><NAME1 IsChanged="Y">4 Star Hoses &amp; Fittings</NAME1><NAME2> </NAME2>
 <VENDOR_STATUS>I</VENDOR_STATUS><VENDOR_CLASS>R</VENDOR_CLASS><VENDOR_PERSISTENCE>R</VENDOR_PERSISTENCE><PRIM_ADDR_SEQ_NUM>2</PRIM_ADDR_SEQ_NUM><CORPORATE_SETID>CORP</CORPORATE_SETID><CORPORATE_VENDOR>0000000007</CORPORATE_VENDOR>
 <VNDR_ADDR_SCROL class="R"><ADDRESS_SEQ_NUM>2</ADDRESS_SEQ_NUM><VENDOR_ADDR class="R"><SETID>SHARE</SETID><VENDOR_ID>0000000011</VENDOR_ID><ADDRESS_SEQ_NUM>2</ADDRESS_SEQ_NUM><EFFDT>2020-01-01</EFFDT><EFF_STATUS>A</EFF_STATUS>
  <NAME1> </NAME1><COUNTRY>USA</COUNTRY><ADDRESS1>1 Main St</ADDRESS1><CITY>Omaha</CITY><STATE>NE</STATE><POSTAL>68102</POSTAL><EMAILID>ar@4star.example</EMAILID></VENDOR_ADDR></VNDR_ADDR_SCROL><PSCAMA class="R"><AUDIT_ACTN/></PSCAMA>
 <VNDR_BANK_ACCT class="R"><BANK_ACCOUNT_NUM>CANARY-BANK</BANK_ACCOUNT_NUM></VNDR_BANK_ACCT><VENDOR_ID_NBRS class="R"><STD_ID_NUM>CANARY-TAX</STD_ID_NUM></VENDOR_ID_NBRS>
</VENDOR><PSCAMA class="R"><LANGUAGE_CD>ENG</LANGUAGE_CD><AUDIT_ACTN>C</AUDIT_ACTN><MSG_SEQ_FLG/></PSCAMA></Transaction></MsgData></VENDOR_SYNC>`

var vendorLines = []string{
	`vendor/SHARE/0000000011 vendor/ set @2026-03-02T08:20:00 class="R" name="4 Star Hoses & Fittings" parent="0000000007" parent_set="CORP" persistence="R" primary_address="2" short_name="4STARHOSES-001" status="I"`,
	`vendor/SHARE/0000000011 address/2 2020-01-01/0 set @2026-03-02T08:20:00 city="Omaha" country="USA" eff_status="A" email="ar@4star.example" postal="68102" state="NE" street="1 Main St"`,
}

func setup(message, rec, keys string) string {
	return `<?xml version="1.0"?><` + message + `><MsgData><Transaction><` + rec + ` class="R">` + keys +
		`<EFFDT>2020-01-01</EFFDT><EFF_STATUS>A</EFF_STATUS><DESCR>Über &amp; Co</DESCR><BANK_ACCOUNT_NUM>CANARY-BANK</BANK_ACCOUNT_NUM></` + rec + `>` + cama1("A") + `</Transaction></MsgData></` + message + `>`
}

func setupLines(key string) []string {
	return []string{"reference/" + key + ` reference/ 2020-01-01/0 set @2026-03-02T08:20:00 eff_status="A" text="Über & Co"`}
}

// golden is one message: its body and what it says.
type golden struct {
	body  string
	lines []string
}

// goldens has every message under its canonical name: the forms of a family have the same content.
func goldens() map[string]golden {
	base := map[string]golden{
		"PERSON_BASIC": {person, personLines}, "WORKFORCE": {workforce, workforceLines}, "VENDOR": {vendor, vendorLines},
		"DEPT":     {setup("DEPT_SYNC", "DEPT_TBL", "<SETID>SHARE</SETID><DEPTID>0010200</DEPTID>"), setupLines("dept/SHARE/0010200")},
		"JOBCODE":  {setup("JOBCODE_SYNC", "JOBCODE_TBL", "<SETID>SHARE</SETID><JOBCODE>420060</JOBCODE>"), setupLines("jobcode/SHARE/420060")},
		"POSITION": {setup("POSITION_SYNC", "POSITION_DATA", "<POSITION_NBR>00012345</POSITION_NBR>"), setupLines("position/00012345")},
		"LOCATION": {setup("LOCATION_SYNC", "LOCATION_TBL", "<SETID>SHARE</SETID><LOCATION>OMA</LOCATION>"), setupLines("location/SHARE/OMA")},
	}
	all := map[string]golden{}
	for name, g := range base {
		for _, form := range []string{"_SYNC", "_FULLSYNC", "_SYNC_EFF", "_FULLSYNC_EFF"} {
			all[name+form] = golden{strings.ReplaceAll(g.body, name+"_SYNC>", name+form+">"), g.lines}
			if name == "VENDOR" {
				all[name+form] = golden{strings.ReplaceAll(strings.ReplaceAll(g.body, "<VENDOR_SYNC ", "<"+name+form+" "), "</VENDOR_SYNC>", "</"+name+form+">"), g.lines}
			}
		}
	}
	return all
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	for _, c := range canaries {
		if strings.Contains(strings.Join(got, "\n"), c) {
			t.Errorf("%s left the package", c)
		}
	}
}

var _ = erp.Set
