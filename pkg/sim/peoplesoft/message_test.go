package peoplesoft_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// node is one element of a message.
type node struct {
	name  string
	class bool
	text  string
	kids  []*node
}

// parse reads a well-formed document.
func parse(t *testing.T, body string) *node {
	t.Helper()
	d, top := xml.NewDecoder(strings.NewReader(body)), &node{}
	path := []*node{top}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return top.kids[0]
		}
		if err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		at := path[len(path)-1]
		switch e := token.(type) {
		case xml.StartElement:
			n := &node{name: e.Name.Local}
			for _, a := range e.Attr {
				n.class = n.class || a.Name.Local == "class" && a.Value == "R"
			}
			at.kids, path = append(at.kids, n), append(path, n)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			at.text += string(e)
		}
	}
}

// all lists the rows of a record below MsgData, at any depth.
func (n *node) all(record string) (rows []*node) {
	for _, kid := range n.kids {
		if kid.name == "FieldTypes" {
			continue
		}
		if kid.name == record {
			rows = append(rows, kid)
		}
		rows = append(rows, kid.all(record)...)
	}
	return rows
}

func (n *node) get(field string) string {
	for _, kid := range n.kids {
		if kid.name == field {
			return kid.text
		}
	}
	return ""
}

// actions lists AUDIT_ACTN of the rows of a record, told by the PSCAMA that follows each.
func (n *node) actions(record string) (codes []string) {
	for i, kid := range n.kids {
		if kid.name == record && i+1 < len(n.kids) && n.kids[i+1].name == "PSCAMA" {
			codes = append(codes, n.kids[i+1].get("AUDIT_ACTN"))
		}
		codes = append(codes, kid.actions(record)...)
	}
	return codes
}

// caught is a world whose messages are collected.
func caught(t *testing.T, o peoplesoft.NodeOptions) (*world, *receiver) {
	r := newReceiver(t, always(200))
	return sending(t, r, o), r
}

func TestAnEventPublishesWhatItsComponentWould(t *testing.T) {
	const who = "0001001" // one job, mail and phone
	for name, c := range map[string]struct {
		events []peoplesoft.Event
		want   []string
	}{
		"a hire: the person, then the job": {[]peoplesoft.Event{{Type: "hire"}}, []string{"PERSON_BASIC_SYNC", "WORKFORCE_SYNC"}},
		"two hires":                        {[]peoplesoft.Event{{Type: "hire", Count: 2}}, []string{"PERSON_BASIC_SYNC", "WORKFORCE_SYNC", "PERSON_BASIC_SYNC", "WORKFORCE_SYNC"}},
		"a termination":                    {[]peoplesoft.Event{{Type: "terminate", EmplID: who}}, []string{"WORKFORCE_SYNC"}},
		"a rename":                         {[]peoplesoft.Event{{Type: "rename", EmplID: who, Last: "Newname"}}, []string{"PERSON_BASIC_SYNC"}},
		"a new mail":                       {[]peoplesoft.Event{{Type: "change-email", EmplID: who, Email: "x@example.com"}}, []string{"PERSON_BASIC_SYNC"}},
		"a title that has a job code":      {[]peoplesoft.Event{{Type: "change-title", EmplID: who, Title: "Astronaut"}}, []string{"JOBCODE_SYNC", "WORKFORCE_SYNC"}},
		"a department's name":              {[]peoplesoft.Event{{Type: "rename-department", Dept: "0010100", Name: "Atrium"}}, []string{"DEPT_SYNC"}},
		"a vendor":                         {[]peoplesoft.Event{{Type: "vendor-add"}}, []string{"VENDOR_SYNC"}},
		"mails swapped":                    {[]peoplesoft.Event{{Type: "swap-emails", EmplID: who, Other: "0001003"}}, []string{"PERSON_BASIC_SYNC", "PERSON_BASIC_SYNC"}},
		"nothing that failed":              {[]peoplesoft.Event{{Type: "terminate", EmplID: "none"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := caught(t, peoplesoft.NodeOptions{})
			for _, e := range c.events {
				_, _ = w.Apply(e) // one of them fails on purpose
			}
			w.drained()
			var sent []string
			for _, g := range r.posts() {
				sent = append(sent, g.operation())
				parse(t, g.body)
			}
			slices.Sort(sent) // queues run side by side
			slices.Sort(c.want)
			if !slices.Equal(sent, c.want) {
				t.Errorf("sent %v, want %v", sent, c.want)
			}
		})
	}
}

func TestTheOrderOfAHireIsASwitch(t *testing.T) {
	w, r := caught(t, peoplesoft.NodeOptions{JobFirst: true})
	if _, err := w.Hire(peoplesoft.NewHire{}, ""); err != nil {
		t.Fatal(err)
	}
	w.drained()
	if got := r.posts(); got[0].operation() != "WORKFORCE_SYNC" || got[1].operation() != "PERSON_BASIC_SYNC" {
		t.Errorf("%s before %s", got[0].operation(), got[1].operation())
	}
}

func TestASilentNodeGetsNoEvents(t *testing.T) {
	w, r := caught(t, peoplesoft.NodeOptions{Silent: true})
	if _, err := w.Hire(peoplesoft.NewHire{}, ""); err != nil {
		t.Fatal(err)
	}
	w.publish(peoplesoft.Publication{Message: "DEPT_SYNC", Keys: []string{"0010100"}})
	w.drained()
	if n := len(r.posts()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestRowsSayWhatHappenedToThem(t *testing.T) {
	const who = "0001001"
	future := noon().AddDate(0, 1, 0).Format(time.DateOnly)
	later := noon().AddDate(0, 2, 0).Format(time.DateOnly)
	for name, c := range map[string]struct {
		before, event  peoplesoft.Event
		record, action string
		rows           int // rows with that action
	}{
		"a termination adds a row":          {event: peoplesoft.Event{Type: "terminate", EmplID: who}, record: "JOB", action: "A", rows: 1},
		"a withdrawal deletes one":          {peoplesoft.Event{Type: "terminate", EmplID: who, Date: future}, peoplesoft.Event{Type: "withdraw", EmplID: who, Date: future}, "JOB", "D", 1},
		"a moved date deletes one":          {peoplesoft.Event{Type: "terminate", EmplID: who, Date: future}, peoplesoft.Event{Type: "move-date", EmplID: who, Date: future, To: later}, "JOB", "D", 1},
		"and adds one":                      {peoplesoft.Event{Type: "terminate", EmplID: who, Date: future}, peoplesoft.Event{Type: "move-date", EmplID: who, Date: future, To: later}, "JOB", "A", 1},
		"a removed mail is a deleted row":   {event: peoplesoft.Event{Type: "blank-email", EmplID: who}, record: "EMAIL_ADDRESSES", action: "D", rows: 1},
		"a new mail after that is added":    {peoplesoft.Event{Type: "blank-email", EmplID: who}, peoplesoft.Event{Type: "change-email", EmplID: who, Email: "x@example.com"}, "EMAIL_ADDRESSES", "A", 1},
		"another mail is a change":          {event: peoplesoft.Event{Type: "change-email", EmplID: who, Email: "x@example.com"}, record: "EMAIL_ADDRESSES", action: "C", rows: 1},
		"another name is a new dated row":   {event: peoplesoft.Event{Type: "rename", EmplID: who, Last: "Newname"}, record: "NAMES", action: "A", rows: 1},
		"a second one on the day a change":  {peoplesoft.Event{Type: "rename", EmplID: who, Last: "Newname"}, peoplesoft.Event{Type: "rename", EmplID: who, Last: "Other"}, "NAMES", "C", 1},
		"a vendor's mail changes a row":     {event: peoplesoft.Event{Type: "vendor-change", VendorID: "0000000011", Email: "n@example.com"}, record: "VENDOR_ADDR", action: "C", rows: 1},
		"a vendor's name leaves them alone": {event: peoplesoft.Event{Type: "vendor-rename", VendorID: "0000000011", Name: "N"}, record: "VENDOR_ADDR", action: "C", rows: 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := caught(t, peoplesoft.NodeOptions{})
			for _, e := range []peoplesoft.Event{c.before, c.event} {
				if e.Type == "" {
					continue
				}
				if _, err := w.Apply(e); err != nil {
					t.Fatal(err)
				}
			}
			w.drained()
			posts := r.posts()
			codes := parse(t, posts[len(posts)-1].body).actions(c.record)
			n := 0
			for _, code := range codes {
				if code == c.action {
					n++
				}
			}
			if n != c.rows {
				t.Errorf("%s rows have %q, want %d times %q", c.record, codes, c.rows, c.action)
			}
		})
	}
}

// A reader written here, from the reference alone, finds in the full messages what Truth says.
func TestFullMessagesTellTheTruth(t *testing.T) {
	for name, shape := range map[string]peoplesoft.Shape{
		"as delivered":        {},
		"nested otherwise":    {Views: true, JobParent: "EMPLOYMENT", PSCAMA: "inside", FieldTypes: "empty", Namespace: true, Custom: true},
		"without decorations": {NoClass: true, PSCAMA: "none", FieldTypes: "none", Blank: "empty", JobParent: "PERSON"},
		"with absent blanks":  {PSCAMA: "before", Blank: "absent", JobParent: "PER_ORG_INST"},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := caught(t, peoplesoft.NodeOptions{Shape: shape})
			for _, m := range []string{"PERSON_BASIC_FULLSYNC", "WORKFORCE_FULLSYNC", "VENDOR_FULLSYNC", "DEPT_FULLSYNC", "JOBCODE_FULLSYNC", "POSITION_FULLSYNC"} {
				w.publish(peoplesoft.Publication{Message: m, PerMessage: 17})
			}
			w.drained()
			whole := &node{}
			for _, g := range r.posts() {
				whole.kids = append(whole.kids, parse(t, g.body))
			}
			truth := w.Truth("")
			for _, e := range truth.Employees {
				if name, mail := current(whole, e.EmplID), mailOf(whole, e.EmplID); name != e.Name || mail != e.Email {
					t.Errorf("%s: name %q mail %q, want %+v", e.EmplID, name, mail, e)
				}
				if active := activeOf(whole, e.EmplID, truth.Day); e.InScope && active != e.Active {
					t.Errorf("%s: active %v, want %+v", e.EmplID, active, e)
				}
			}
			for _, v := range truth.Vendors {
				if name := vendorName(whole, v.SetID, v.VendorID); name != v.Name {
					t.Errorf("%s: %q, want %+v", v.VendorID, name, v)
				}
			}
			if n := len(whole.all("DEPT_TBL")); n == 0 || len(whole.all("POSITION_DATA")) < n {
				t.Errorf("%d departments, %d positions", n, len(whole.all("POSITION_DATA")))
			}
		})
	}
}

func current(n *node, emplID string) string {
	name, day := "", ""
	for _, row := range n.all("NAMES") {
		if row.get("EMPLID") == emplID && row.get("NAME_TYPE") == "PRI" && row.get("EFFDT") >= day {
			name, day = strings.TrimSpace(row.get("NAME_DISPLAY")), row.get("EFFDT")
		}
	}
	return name
}

func mailOf(n *node, emplID string) string {
	for _, row := range n.all("EMAIL_ADDRESSES") {
		if row.get("EMPLID") == emplID && row.get("E_ADDR_TYPE") == "BUSN" {
			return strings.TrimSpace(row.get("EMAIL_ADDR"))
		}
	}
	return ""
}

func activeOf(n *node, emplID, today string) bool {
	best := map[string]*node{}
	for _, row := range n.all("JOB") {
		rcd, day := row.get("EMPL_RCD"), row.get("EFFDT")
		if row.get("EMPLID") != emplID || day > today || row.get("PER_ORG") == "POI" {
			continue
		}
		if b := best[rcd]; b == nil || day+row.get("EFFSEQ") > b.get("EFFDT")+b.get("EFFSEQ") {
			best[rcd] = row
		}
	}
	for _, row := range best {
		if row.get("HR_STATUS") == "A" {
			return true
		}
	}
	return false
}

func vendorName(n *node, setID, id string) string {
	for _, row := range n.all("VENDOR") {
		if row.get("SETID") == setID && row.get("VENDOR_ID") == id {
			return strings.TrimSpace(row.get("NAME1"))
		}
	}
	return "(absent)"
}

func TestSensitiveRecordsAreInTheMessages(t *testing.T) {
	w, r := caught(t, peoplesoft.NodeOptions{})
	for message, key := range map[string]string{"PERSON_BASIC_SYNC": "0001001", "WORKFORCE_SYNC": "0001001", "VENDOR_SYNC": "SHARE/0000000011"} {
		w.publish(peoplesoft.Publication{Message: message, Keys: []string{key}})
	}
	w.drained()
	want := map[string][]string{"PERSON_BASIC_SYNC": {peoplesoft.Canary, peoplesoft.CanaryDate, "<NATIONAL_ID>"}, "WORKFORCE_SYNC": {peoplesoft.CanaryPay, "<COMPRATE>"},
		"VENDOR_SYNC": {peoplesoft.Canary, "<BANK_ACCOUNT_NUM>", "<STD_ID_NUM>"}}
	for _, g := range r.posts() {
		for _, text := range want[g.operation()] {
			if !strings.Contains(g.body, text) {
				t.Errorf("%s lacks %s", g.operation(), text)
			}
		}
	}
}

func TestPublicationsThatCannotBe(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 10})
	if _, err := w.Publish(peoplesoft.Publication{Message: "DEPT_SYNC"}); err == nil {
		t.Error("published without a node")
	}
	for name, o := range map[string]peoplesoft.NodeOptions{
		"no address":       {},
		"an unknown wire":  {URL: "http://x.example/ib", Wires: []string{"telex"}},
		"an odd addition":  {URL: "http://x.example/ib", Wires: []string{"bare+rot13"}},
		"MIME in UTF-16":   {URL: "http://x.example/ib", Wires: []string{"mime+utf16le"}},
		"shares above one": {URL: "http://x.example/ib", Duplicate: 2},
	} {
		if err := w.Node(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := w.Node(peoplesoft.NodeOptions{URL: "http://x.example/ib"}); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]peoplesoft.Publication{
		"an unknown message": {Message: "WEATHER_SYNC"},
		"no message":         {},
		"an unknown key":     {Message: "PERSON_BASIC_SYNC", Keys: []string{"none"}},
		"an unknown vendor":  {Message: "VENDOR_SYNC", Keys: []string{"none"}},
		"an unknown dept":    {Message: "DEPT_SYNC", Keys: []string{"none"}},
		"an unknown wire":    {Message: "DEPT_SYNC", Wire: "telex"},
	} {
		if _, err := w.Publish(p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTheControlAPISendsMessages(t *testing.T) {
	r := newReceiver(t, always(200))
	w := start(t, peoplesoft.Options{Employees: 10})
	post := func(path, body string) reply {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return w.do(req)
	}
	for path, body := range map[string]string{"/_sim/ib/publish": `{"message":"DEPT_SYNC"}`, "/_sim/ib/node": `{"url":"nowhere"}`, "/_sim/ib/format?wire=telex": ""} {
		if got := post(path, body); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for _, call := range [][2]string{{"/_sim/ib/node", `{"url":"` + r.url + `"}`}, {"/_sim/ib/format?wire=soap11", ""},
		{"/_sim/ib/publish", `{"message":"DEPT_SYNC","keys":["0010100"]}`}, {"/_sim/ib/resubmit?queue=VENDOR", ""}, {"/_sim/ib/cancel", ""}} {
		if got := post(call[0], call[1]); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", call[0], got.status, got.body)
		}
	}
	runs(t, w.Sim)
	w.drained()
	if posts := r.posts(); len(posts) != 1 || !strings.Contains(posts[0].body, "Envelope") {
		t.Errorf("%d messages", len(posts))
	}
	for _, path := range []string{"/_sim/ib/queues", "/_sim/ib/deliveries", "/_sim/ib/formats"} {
		if got := w.get(path); got.status != http.StatusOK || !strings.Contains(got.body, `"`) {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}
