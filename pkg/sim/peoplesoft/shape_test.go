package peoplesoft_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// sample reads a real answer; the samples have no licence and are not part of the repository.
func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "reference", "peoplesoft-samples", name))
	if err != nil {
		t.Skipf("NOT RUN: the real sample %s is not here", name)
	}
	return string(text)
}

// outline reduces JSON to its shape: keys, and the type of every value; array elements must share theirs.
// The names of columns are replaced, "attr:rownumber" is kept.
func outline(v any) any {
	switch v := v.(type) {
	case map[string]any:
		shape := map[string]any{}
		for k, x := range v {
			if regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`).MatchString(k) {
				k = "COLUMN"
			}
			shape[k] = outline(x)
		}
		return shape
	case []any:
		if len(v) == 0 {
			return []any{}
		}
		return []any{outline(v[0])}
	case float64:
		return "number"
	case string:
		return "text"
	}
	return v
}

func outlineOf(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	shape, err := json.Marshal(outline(v))
	if err != nil {
		t.Fatal(err)
	}
	return string(shape)
}

func TestJSONHasTheShapeOfTheRealSample(t *testing.T) {
	real := sample(t, "qas-rest-json.json")
	w := start(t, peoplesoft.Options{Employees: 3})
	got := w.get(people + "?filterfields=EMPLID,NAME_DISPLAY")
	if want := outlineOf(t, real); outlineOf(t, got.body) != want {
		t.Errorf("shape %s, want %s", outlineOf(t, got.body), want)
	}
}

func TestXMLHasTheShapeOfTheRealSamples(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 60})
	got := w.get(strings.Replace(people, "/JSON/", "/XMLP/", 1)).body
	for _, name := range []string{"qas-soap-xmlp-block.xml", "qas-soap-xmlp-finalblock.xml"} {
		real := sample(t, name)
		for what, pattern := range map[string]string{
			"the query element with its namespace": `<query [^>]*xmlns="http://xmlns\.oracle\.com/Enterprise/Tools/schemas/QAS_QUERYRESULTS_XMLP_RESP\.VERSION_1"`,
			"numrows and queryname":                `<query [^>]*numrows="\d+" queryname="[A-Z_0-9]+"`,
			"numbered rows":                        `<row rownumber="\d+">\s*<[A-Z]+\.[A-Z]`,
			"text in CDATA under a dotted name":    `<([A-Z]\.[A-Z_0-9]+)><!\[CDATA\[[^\]]+\]\]></[A-Z]\.[A-Z_0-9]+>`,
			"bare numbers":                         `<[A-Z]\.[A-Z_0-9]+>\d+</[A-Z]\.[A-Z_0-9]+>`,
		} {
			p := regexp.MustCompile(pattern)
			if !p.MatchString(real) || !p.MatchString(got) {
				t.Errorf("%s, %s: in the sample %v, in the answer %v", name, what, p.MatchString(real), p.MatchString(got))
			}
		}
		if empty := regexp.MustCompile(`<[A-Z]\.[A-Z_0-9]+\s?/>`); empty.MatchString(real) && !empty.MatchString(got) {
			t.Errorf("%s: empty columns are self-closed in the sample only", name)
		}
	}
}

func TestErrorsHaveTheShapeOfTheRealFault(t *testing.T) {
	real := elements(t, sample(t, "qas-soap-fault-bad-password.xml"))
	w := start(t, peoplesoft.Options{Employees: 3})
	if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultSOAP}); err != nil {
		t.Fatal(err)
	}
	got := elements(t, w.get(people).body)
	for name := range got {
		if !real[name] {
			t.Errorf("element %s does not occur in the real fault", name)
		}
	}
	for _, name := range []string{"Fault", "faultcode", "faultstring", "detail", "IBResponse", "StatusCode", "MessageID", "DefaultMessage"} {
		if !got[name] {
			t.Errorf("element %s is missing", name)
		}
	}
}

func elements(t *testing.T, text string) map[string]bool {
	t.Helper()
	names, d := map[string]bool{}, xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatalf("%v: %.300s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok {
			names[e.Name.Local] = true
		}
	}
}

func TestXMLAndJSONSayTheSame(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 80, Vendors: 40, Quirks: peoplesoft.Quirks{Alias: peoplesoft.AliasNever}})
	w.must(w.Rename("0001002", "A]]>B & <c>", "\"Q\" \\ \u2028"))
	for _, path := range []string{people, vendors} {
		var doc struct {
			NumRows int `xml:"numrows,attr"`
			Rows    []struct {
				Fields []struct {
					XMLName xml.Name
					Text    string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"row"`
		}
		text := w.get(strings.Replace(path, "/JSON/", "/XMLP/", 1)).body
		if err := xml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		rows := w.call(path, 0)
		if len(rows) != len(doc.Rows) || doc.NumRows != len(rows) {
			t.Fatalf("%d rows of JSON, %d of XML, numrows %d", len(rows), len(doc.Rows), doc.NumRows)
		}
		for i, r := range rows {
			for _, f := range doc.Rows[i].Fields {
				if r.text(f.XMLName.Local) != strings.TrimSpace(f.Text) {
					t.Errorf("row %d %s: JSON %q, XML %q", i, f.XMLName.Local, r.text(f.XMLName.Local), f.Text)
				}
			}
			if len(r) != len(doc.Rows[i].Fields)+1 {
				t.Errorf("row %d: %d columns in JSON, %d in XML", i, len(r)-1, len(doc.Rows[i].Fields))
			}
		}
	}
}

func TestColumnsAreTheRecommendedOnes(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 1, Vendors: 1})
	tests := map[string]struct{ path, columns string }{
		"employees": {people, "EMPLID EMPL_RCD EFFDT EFFSEQ NAME_DISPLAY FIRST_NAME LAST_NAME EMAIL_ADDR PHONE DEPTID SETID_DEPT DEPT_DESCR JOBCODE " +
			"JOB_TITLE POSITION_NBR SUPERVISOR_ID HR_STATUS EMPL_STATUS PER_ORG JOB_INDICATOR LOCATION COMPANY LAST_HIRE_DT TERMINATION_DT LASTUPDDTTM"},
		"vendors": {vendors, "SETID VENDOR_ID NAME1 VENDOR_NAME_SHORT VENDOR_STATUS VENDOR_CLASS VENDOR_PERSISTENCE EMAILID PHONE CITY COUNTRY LASTUPDDTTM"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := slices.Sorted(maps.Keys(w.call(tc.path, 1)[0]))
			want := slices.Sorted(slices.Values(append(strings.Fields(tc.columns), "attr:rownumber")))
			if !slices.Equal(got, want) {
				t.Errorf("columns %v\nwant %v", got, want)
			}
		})
	}
}

func TestQuirks(t *testing.T) {
	tests := map[string]struct {
		quirks peoplesoft.Quirks
		max    int
		want   []string
		not    []string
	}{
		"the default":                 {peoplesoft.Quirks{}, 0, []string{`"queryname=":"ML_EMPLOYEES"`, `"attr:rownumber":1`, `"EMPLID":"0001001"`, `"EMPL_RCD":0`, `"EMAIL_ADDR":" "`, `"TERMINATION_DT":""`, `"HR_STATUS":"A"`}, nil},
		"a clean queryname":           {peoplesoft.Quirks{QueryNameKey: "queryname"}, 1, []string{`"queryname":"ML_EMPLOYEES"`}, []string{"queryname="}},
		"no row numbers":              {peoplesoft.Quirks{NoRowNumber: true}, 1, []string{`"rows":[{"EMPLID"`}, []string{"rownumber"}},
		"alias prefixes":              {peoplesoft.Quirks{Alias: peoplesoft.AliasAlways}, 1, []string{`"A.EMPLID":`, `"B.DESCR":`, `"C.DESCR":`}, []string{`"EMPLID"`, "DEPT_DESCR"}},
		"long names":                  {peoplesoft.Quirks{LongNames: true}, 0, []string{`"HR_STATUS":"Active"`, `"EMPL_STATUS":"Leave of Absence"`, `"PER_ORG":"Contingent Worker"`, `"HR_STATUS":"Inactive"`}, []string{`"HR_STATUS":"A"`}},
		"blanks empty":                {peoplesoft.Quirks{Blank: peoplesoft.BlankEmpty}, 0, []string{`"EMAIL_ADDR":""`}, []string{`:" "`}},
		"blanks null":                 {peoplesoft.Quirks{Blank: peoplesoft.BlankNull}, 0, []string{`"EMAIL_ADDR":null`, `"TERMINATION_DT":null`}, []string{`:" "`, `:""`}},
		"blanks missing":              {peoplesoft.Quirks{Blank: peoplesoft.BlankMissing}, 1, []string{`"LAST_HIRE_DT"`}, []string{"TERMINATION_DT", `:" "`}},
		"keys as numbers":             {peoplesoft.Quirks{KeyAsNumber: true}, 1, []string{`"EMPLID":1001,`}, []string{`"0001001"`}},
		"numbers as text":             {peoplesoft.Quirks{NumbersAsText: true}, 1, []string{`"EMPL_RCD":"0"`}, nil},
		"one row as an object":        {peoplesoft.Quirks{OneRowObject: true}, 1, []string{`"rows":{"attr:rownumber":1`}, []string{"["}},
		"numrows of the whole":        {peoplesoft.Quirks{TotalNumRows: true}, 1, []string{`"numrows":105,`}, []string{`"attr:rownumber":2`}},
		"a stamp with an offset":      {peoplesoft.Quirks{Stamp: peoplesoft.StampOffset}, 0, []string{"-0600\"", "-0500\""}, nil},
		"a stamp of the database":     {peoplesoft.Quirks{Stamp: peoplesoft.StampDotted}, 1, []string{`"LASTUPDDTTM":"20`, `.000000"`}, []string{"T0", "T1"}},
		"a stamp in whole seconds":    {peoplesoft.Quirks{Stamp: peoplesoft.StampPlain}, 1, nil, []string{`.000000"`}},
		"a stamp after a space":       {peoplesoft.Quirks{LeadingSpace: true}, 1, []string{`"LASTUPDDTTM":" 20`}, nil},
		"names stored HTML-escaped":   {peoplesoft.Quirks{EscapedNames: true}, 0, []string{`O&#39;Malvey`}, []string{`O'Malvey`}},
		"a status in capital letters": {peoplesoft.Quirks{StatusUpperCase: true}, 1, []string{`"status":"SUCCESS"`}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, peoplesoft.Options{Seed: 4, Employees: 100, Quirks: tc.quirks})
			body := w.get(people + ask(tc.max)).body
			if !json.Valid([]byte(body)) {
				t.Fatalf("not JSON: %.300s", body)
			}
			for _, want := range tc.want {
				if !strings.Contains(body, want) {
					t.Errorf("lacks %s: %.700s", want, body)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(body, not) {
					t.Errorf("has %s: %.700s", not, body)
				}
			}
		})
	}
}

func TestNoRowsMayBeNull(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: -1, Quirks: peoplesoft.Quirks{NoRowsNull: true}})
	if body := w.get(people).body; !strings.Contains(body, `"numrows":0`) || !strings.Contains(body, `"rows":null`) {
		t.Error(body)
	}
	w.SetQuirks(peoplesoft.Quirks{})
	if body := w.get(people).body; !strings.Contains(body, `"rows":[]`) {
		t.Error(body)
	}
}

func TestWrappedXMLIsTheSOAPMessageWithoutItsEnvelope(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 2, Quirks: peoplesoft.Quirks{WrappedXML: true}})
	got := elements(t, w.get(strings.Replace(people, "/JSON/", "/XMLP/", 1)).body)
	if !got["QAS_GETQUERYRESULTS_RESP_MSG"] || !got["query"] || !got["A.EMPLID"] {
		t.Errorf("elements %v", got)
	}
}
