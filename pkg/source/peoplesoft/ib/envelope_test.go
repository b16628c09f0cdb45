package ib

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

func TestPings(t *testing.T) {
	captured := map[string]string{"From": "PSFT_HR", "To": "ML_CONNECTOR", "Nonrepudiation": "False", "Transactionid": "PING_NODE", "User-Agent": "Java11.0.22", "Datachunk": "1", "Datachunkcount": "1"}
	for name, s := range map[string]sent{
		"GET as captured":             {method: http.MethodGet, header: captured},
		"GET with nothing":            {method: http.MethodGet},
		"HEAD":                        {method: http.MethodHead},
		"POST with the transaction":   {header: captured, body: "anything"},
		"POST with the operation":     {header: map[string]string{"operationtype": "Ping"}, body: ""},
		"an IBRequest":                {body: request("PING", "ping", "")},
		"an IBRequest with content":   {body: request("PING", "ping", cdata("<a/>"))},
		"MIME":                        {header: map[string]string{"content-type": mimeType}, body: mimeBody("PING", "ping", "8bit", "<a/>", false)},
		"an IBRequest without a word": {body: `<IBRequest><OperationType>ping</OperationType></IBRequest>`},
	} {
		t.Run(name, func(t *testing.T) {
			m, lines, _, err := read(s.delivery(), Options{})
			if err != nil || !m.Ping || len(lines) > 0 {
				t.Fatalf("%v %+v", err, m)
			}
		})
	}
	for _, body := range []string{request("PING", "ping", ""), request("PING", "ping", cdata("<a/>"))} {
		for n := range body {
			if m, _, _, err := read((sent{body: body[:n]}).delivery(), Options{}); err == nil {
				t.Fatalf("%d bytes of a ping were accepted: %+v", n, m)
			}
		}
	}
}

func TestPrecedenceOfNames(t *testing.T) {
	unknownRoot := "<x>" + tx(`<DEPT_TBL class="R"><SETID>S</SETID><DEPTID>1</DEPTID><DESCR>d</DESCR></DEPT_TBL>`) + "</x>"
	for name, c := range map[string]struct {
		header map[string]string
		query  url.Values
		body   string
		want   string
		alias  string
	}{
		"the header before all":            {map[string]string{"externaloperationname": "DEPT_SYNC.v1", "OperationName": "X", "SOAPAction": "Y"}, nil, request("Z", "async", cdata(unknownRoot)), "DEPT_SYNC", "DEPT_SYNC"},
		"then the IBRequest":               {map[string]string{"OperationName": "X", "MessageName": "X"}, nil, request("DEPT_FULLSYNC", "async", cdata(unknownRoot)), "DEPT_FULLSYNC", "DEPT_FULLSYNC"},
		"then OperationName":               {map[string]string{"OPERATIONNAME": "DEPT_SYNC.INTERNAL", "messagename": "X"}, nil, unknownRoot, "DEPT_SYNC", "DEPT_SYNC"},
		"also in the query":                {nil, url.Values{"OperationName": {"DEPT_SYNC.VERSION_1"}}, unknownRoot, "DEPT_SYNC", "DEPT_SYNC"},
		"then MessageName":                 {map[string]string{"MessageName": "DEPT_SYNC", "soapaction": "X"}, nil, unknownRoot, "DEPT_SYNC", "DEPT_SYNC"},
		"then SOAPAction":                  {map[string]string{"SOAPAction": `"#DEPT_SYNC.v2"`}, nil, unknownRoot, "DEPT_SYNC", "DEPT_SYNC"},
		"at last the root":                 {nil, nil, strings.ReplaceAll(unknownRoot, "x>", "DEPT_SYNC>"), "DEPT_SYNC", ""},
		"a known root wins over the name":  {map[string]string{"ExternalOperationName": "SITE_THING.v1"}, nil, strings.ReplaceAll(unknownRoot, "x>", "DEPT_SYNC>"), "DEPT_SYNC", "SITE_THING"},
		"a site's alias":                   {map[string]string{"ExternalOperationName": "SITE.DEPTS.VERSION_3"}, nil, unknownRoot, "DEPT_SYNC", "SITE.DEPTS"},
		"no version, no cut":               {map[string]string{"ExternalOperationName": "DEPT_SYNC.EXTRA"}, nil, strings.ReplaceAll(unknownRoot, "x>", "DEPT_SYNC>"), "DEPT_SYNC", "DEPT_SYNC.EXTRA"},
		"a version in words":               {map[string]string{"ExternalOperationName": "DEPT_SYNC.Version_12"}, nil, unknownRoot, "DEPT_SYNC", "DEPT_SYNC"},
		"small letters":                    {map[string]string{"ExternalOperationName": "dept_sync.v1"}, nil, unknownRoot, "DEPT_SYNC", "dept_sync"},
		"a namespace in front of the root": {nil, nil, strings.NewReplacer("<x>", `<a:DEPT_SYNC xmlns:a="urn:x">`, "</x>", "</a:DEPT_SYNC>").Replace(unknownRoot), "DEPT_SYNC", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := sent{header: c.header, query: c.query, body: c.body}
			m, lines, _, err := read(s.delivery(), Options{Aliases: map[string]string{"SITE.DEPTS": "DEPT_SYNC"}})
			if err != nil || m.Name != c.want || m.Alias != c.alias || len(lines) != 1 {
				t.Fatalf("%v: name %q alias %q root %q %q", err, m.Name, m.Alias, m.Root, lines)
			}
		})
	}
}

func TestWhoSentIt(t *testing.T) {
	for name, c := range map[string]struct {
		s                        sent
		from, tx, user, node, pw string
	}{
		"F1 with a password in the header":  {sent{header: map[string]string{"FROM": "A", "transactionID": "t", "password": "p"}, body: person}, "A", "t", "", "p", ""},
		"the listening connector's names":   {sent{header: map[string]string{"RequestingNode": "A", "ExternalMessageID": "t"}, body: person}, "A", "t", "", "", ""},
		"all in the query":                  {sent{query: url.Values{"From": {"A"}, "TransactionID": {"t"}, "Password": {"p"}}, body: person}, "A", "t", "", "p", ""},
		"the header counts more than query": {sent{header: map[string]string{"From": "A"}, query: url.Values{"from": {"B"}}, body: person}, "A", "", "", "", ""},
		"F4 by WS-Security":                 {sent{header: map[string]string{"From": "A"}, body: soap(soap11, person)}, "A", "", "MLCONN", "", "token-secret"},
		"F5 by the envelope":                {sent{body: request("PERSON_BASIC_SYNC", "async", cdata(person))}, "PSFT_HR", "tx-1", "HRADMIN", "node-secret", ""},
		"F6 by IBInfo":                      {sent{header: map[string]string{"CONTENT-TYPE": mimeType}, body: mimeBody("PERSON_BASIC_SYNC", "async", "8bit", person, false)}, "PSFT_HR", "tx-1", "", "node-secret", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Open(c.s.delivery(), Options{})
			if err != nil || m.From != c.from || m.Transaction != c.tx || m.User != c.user || m.Password.Reveal() != c.node || m.UserPassword.Reveal() != c.pw {
				t.Fatalf("%v: %+v", err, m)
			}
		})
	}
}

func TestTwoValuesOfWhatDecides(t *testing.T) {
	d := delivery("PERSON_BASIC_SYNC", person)
	d.Header["From"] = []string{"A", "B"}
	if _, err := Open(d, Options{}); fault.CodeOf(err) != fault.BadEnvelope {
		t.Fatal(err)
	}
	d = delivery("PERSON_BASIC_SYNC", person)
	d.Header["from"] = []string{"OTHER"}
	if _, err := Open(d, Options{}); fault.CodeOf(err) != fault.BadEnvelope {
		t.Fatal("the same header in two cases with two values", err)
	}
}

func TestSegments(t *testing.T) {
	for name, c := range map[string]struct {
		chunk, count string
		n, of, notes int
	}{
		"one of three": {"1", "3", 1, 3, 0}, "not stated": {"", "", 1, 1, 0}, "four of three": {"4", "3", 1, 1, 1}, "words": {"a", "b", 1, 1, 1}, "zero": {"0", "0", 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := sent{header: map[string]string{"datachunk": c.chunk, "DATACHUNKCOUNT": c.count}, body: person}
			m, err := Open(s.delivery(), Options{})
			if err != nil || m.Chunk != c.n || m.Chunks != c.of || len(m.Notes) != c.notes {
				t.Fatalf("%v %+v", err, m)
			}
		})
	}
}

func TestSeveralContentSections(t *testing.T) {
	dept := goldens()["DEPT_SYNC"]
	s := sent{body: request("PERSON_BASIC_SYNC", "async", cdata(person), escaped(dept.body), noDeclaration(workforce))}
	_, lines, stats, err := read(s.delivery(), Options{})
	want := slices.Concat(personLines, dept.lines, workforceLines)
	if err != nil || stats.Transactions != 3 {
		t.Fatal(err, stats)
	}
	same(t, lines, want)
}

func TestAnswers(t *testing.T) {
	nasty := `bad <x> & "y" ]]>`
	for name, c := range map[string]struct {
		m       *Message
		ok      bool
		kind    string
		has     []string
		hasNone []string
	}{
		"bare":            {&Message{Format: Bare, Transaction: "A<B"}, true, "text/xml", []string{`<IBResponse type="success">`, "<StatusCode>0<", "<TransactionID>A&lt;B<"}, []string{nasty}},
		"bare, refused":   {&Message{Format: Bare}, false, "text/xml", []string{`type="error"`, "<StatusCode>20<", "bad &lt;x&gt;"}, []string{"<x>"}},
		"IBRequest":       {&Message{Format: Envelope}, true, "text/xml", []string{"IBResponse"}, nil},
		"nothing opened":  {nil, false, "text/xml", []string{"IBResponse"}, nil},
		"SOAP":            {&Message{Format: SOAP}, true, "text/xml", []string{soap11, "<soapenv:Body></soapenv:Body>"}, []string{"Fault"}},
		"SOAP, refused":   {&Message{Format: SOAP}, false, "text/xml", []string{"faultstring", "bad &lt;x&gt;"}, nil},
		"SOAP 1.2":        {&Message{Format: SOAP, soap12: true}, false, "application/soap+xml", []string{soap12, "soapenv:Receiver"}, nil},
		"MIME":            {&Message{Format: MIME}, true, "multipart/related; boundary=", []string{"Content-ID: IBInfo", "<StatusCode>0<", "--" + boundary + "--"}, nil},
		"MIME, refused":   {&Message{Format: MIME}, false, "multipart/related", []string{"<StatusCode>20<", "bad &lt;x&gt;"}, nil},
		"GET":             {&Message{Format: Get}, true, "text/plain", []string{"ok"}, []string{"IBResponse"}},
		"GET, not ready":  {&Message{Format: Get}, false, "text/plain", []string{"not available"}, []string{"bad"}},
		"before a format": {&Message{}, false, "text/xml", []string{"IBResponse"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			kind, body := Answer(c.m, c.ok, nasty)
			if !strings.HasPrefix(kind, c.kind) {
				t.Errorf("type %s", kind)
			}
			for _, want := range c.has {
				if !strings.Contains(string(body), want) {
					t.Errorf("no %s in %s", want, body)
				}
			}
			for _, no := range c.hasNone {
				if strings.Contains(string(body), no) {
					t.Errorf("%s in %s", no, body)
				}
			}
			if strings.HasPrefix(kind, "multipart") {
				return
			}
			if strings.Contains(kind, "xml") {
				if _, err := Open((sent{header: map[string]string{"content-type": kind}, body: string(body)}).delivery(), Options{}); fault.CodeOf(err) == fault.SourceTruncated {
					t.Errorf("not XML: %v", err)
				}
			}
		})
	}
}
