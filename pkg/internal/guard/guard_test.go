package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestJSONRefusesWhatTheStandardDecoderAccepts(t *testing.T) {
	cases := map[string]struct {
		data string
		cut  bool
	}{
		"nothing":                             {"", true},
		"blanks":                              {" \n", true},
		"a cut object":                        {`{"a":1`, true},
		"a cut text":                          {`{"a":"x`, true},
		"a second value":                      {`{"a":1}{"b":2}`, false},
		"trailing text":                       {`{"a":1} x`, false},
		"a key twice":                         {`{"a":1,"a":2}`, false},
		"a key twice in another case":         {`{"EMPLID":1,"emplid":2}`, false},
		"a key twice below":                   {`{"r":[{"a":1,"a":2}]}`, false},
		"a key twice, once escaped":           {`{"a":1,"\u0061":2}`, false},
		"invalid UTF-8":                       {"{\"a\":\"\xff\"}", false},
		"a lone high surrogate":               {`{"a":"\ud800"}`, false},
		"a lone low surrogate":                {`{"a":"\udc00x"}`, false},
		"a high surrogate before a letter":    {`{"a":"\ud800\u0041"}`, false},
		"a surrogate in a key":                {`{"\ud800":1}`, false},
		"65 levels":                           {strings.Repeat("[", 65) + strings.Repeat("]", 65), false},
		"a text that is too long":             {`"` + strings.Repeat("x", 64<<10+1) + `"`, false},
		"a number with too many digits":       {strings.Repeat("1", 500), false},
		"more values than allowed":            {"[" + strings.Repeat("1,", 200_000) + "1]", false},
		"two million levels without an end":   {strings.Repeat("[", 2_000_000), false},
		"a comment, which JSON does not have": {`{"a":1/**/}`, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			v, err := JSON([]byte(tc.data), Limits{})
			if err == nil || v != nil {
				t.Fatalf("accepted as %v", v)
			}
			if got := errors.Is(err, ErrCut); got != tc.cut {
				t.Errorf("cut is %v (%v), want %v", got, err, tc.cut)
			}
		})
	}
}

func TestJSONKeepsValues(t *testing.T) {
	if _, err := JSON([]byte("\xef\xbb\xbf"+` {"a":[1.50,"\ud83d\ude00 \\ud800",null,true],"b":{"A":00000}} `), Limits{}); err == nil {
		t.Fatal("a number with leading zeros is not JSON")
	}
	v, err := JSON([]byte("\xef\xbb\xbf"+` {"a":[1.50,"\ud83d\ude00 \\ud800",null,true],"b":{"A":0}} `), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	list := v.(map[string]any)["a"].([]any)
	if list[0] != json.Number("1.50") || list[1] != "😀 \\ud800" || list[2] != nil || list[3] != true {
		t.Errorf("got %#v", list)
	}
}

func TestXMLRefusesWhatTheStandardDecoderAccepts(t *testing.T) {
	cases := map[string]struct {
		data, charset string
		cut           bool
	}{
		"nothing":                          {"", "", true},
		"a declaration only":               {`<?xml version="1.0"?>`, "", true},
		"an open root":                     {`<a><b/>`, "", true},
		"a cut tag":                        {`<a><b`, "", true},
		"a cut CDATA":                      {`<a><![CDATA[x`, "", true},
		"a second root":                    {`<a/><b/>`, "", false},
		"text before the root":             {`x<a/>`, "", false},
		"text behind the root":             {`<a/>x`, "", false},
		"a DOCTYPE":                        {`<!DOCTYPE a><a/>`, "", false},
		"an external entity":               {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "", false},
		"an unknown entity":                {`<a>&x;</a>`, "", false},
		"the same attribute twice":         {`<a x="1" x="2"/>`, "", false},
		"end tags that cross":              {`<a><b></a></b>`, "", false},
		"an end tag of another prefix":     {`<p:a xmlns:p="u" xmlns:q="u"></q:a>`, "", false},
		"an end tag alone":                 {`</a>`, "", false},
		"a comment inside a value":         {`<a><b>admin<!-- -->@x</b></a>`, "", false},
		"65 levels":                        {strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65), "", false},
		"two million levels":               {strings.Repeat("<a>", 2_000_000), "", false},
		"65 attributes":                    {`<a ` + attributes(65) + `/>`, "", false},
		"an attribute that is too long":    {`<a x="` + strings.Repeat("x", 64<<10+1) + `"/>`, "", false},
		"a text that is too long":          {`<a>` + strings.Repeat("x", 64<<10+1) + `</a>`, "", false},
		"too many elements":                {`<a>` + strings.Repeat("<b/>", 200_001) + `</a>`, "", false},
		"XML 1.1":                          {`<?xml version="1.1"?><a/>`, "", false},
		"another character set":            {`<?xml version="1.0" encoding="utf-7"?><a/>`, "", false},
		"UTF-16 that ends in a half":       {"\xff\xfe<\x00a\x00/\x00>", "", true},
		"an unknown transport set":         {`<a/>`, "ebcdic", false},
		"sets that disagree":               {`<?xml version="1.0" encoding="iso-8859-1"?><a/>`, "utf-8", false},
		"sets that disagree the other way": {`<?xml version="1.0" encoding="UTF-8"?><a/>`, "iso-8859-1", false},
		"US-ASCII that is not":             {"<?xml version=\"1.0\" encoding=\"us-ascii\"?><a>\xe9</a>", "", false},
		"invalid UTF-8":                    {"<a>\xff</a>", "", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			n, err := XML([]byte(tc.data), tc.charset, Limits{})
			if err == nil || n != nil {
				t.Fatalf("accepted as %+v", n)
			}
			if got := errors.Is(err, ErrCut); got != tc.cut {
				t.Errorf("cut is %v (%v), want %v", got, err, tc.cut)
			}
		})
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("x" + strings.Repeat("y", i) + `="1" `)
	}
	return b.String()
}

func TestXMLReadsAllowedCharacterSets(t *testing.T) {
	cases := map[string]struct{ data, charset, want string }{
		"UTF-8":                          {`<a>é</a>`, "", "é"},
		"UTF-8 with a byte order mark":   {"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>é</a>", "utf-8", "é"},
		"ISO-8859-1 declared":            {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", "", "é"},
		"windows-1252 declared":          {"<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>", "windows-1252", "€"},
		"ISO-8859-1 by the transport":    {"<a>\xe9</a>", "iso-8859-1", "é"},
		"US-ASCII":                       {`<?xml version="1.0" encoding="us-ascii"?><a>e</a>`, "", "e"},
		"CDATA beside text":              {`<a>x<![CDATA[<&]]>y</a>`, "", "x<&y"},
		"comments outside of values":     {`<!-- a --><a><?pi x?>x</a><!-- b -->`, "", "x"},
		"an element name that has a dot": {`<A.EMPLID>é</A.EMPLID>`, "", "é"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			n, err := XML([]byte(tc.data), tc.charset, Limits{})
			if err != nil || n.Text != tc.want {
				t.Errorf("got %+v, %v, want %q", n, err, tc.want)
			}
		})
	}
}

func TestXMLResolvesNamespaces(t *testing.T) {
	n, err := XML([]byte(`<p:a xmlns:p="u" xmlns="d"><b/><c xmlns=""/><p:b xmlns:p="v"/></p:a>`), "", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n.Space != "u" || n.Kids[0].Space != "d" || n.Kids[1].Space != "" || n.Kids[2].Space != "v" || len(n.Find("b")) != 2 {
		t.Errorf("got %+v", n)
	}
}

func TestDeepDocumentsCostNothing(t *testing.T) {
	deep := []byte(strings.Repeat("<a>", 2_000_000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := XML(deep, "", Limits{}); err == nil {
		t.Fatal("accepted")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes allocated, want less than 8 MiB", used)
	}
}

func TestErrorsHoldNoData(t *testing.T) {
	const canary = "canary-4711"
	for _, data := range []string{`{"` + canary + `":1,"` + canary + `":2}`, `{"a":` + canary + `}`, `"` + canary, `<a>` + canary + `</b>`, `<` + canary + ` x="1" x="2"/>`, `<a>&` + canary + `;</a>`} {
		_, err := JSON([]byte(data), Limits{})
		_, err2 := XML([]byte(data), "", Limits{})
		if strings.Contains(errors.Join(err, err2).Error(), canary) {
			t.Errorf("the error for %s shows data: %v; %v", data, err, err2)
		}
	}
}

// TestBadInputs mutates good documents; the decoders must answer each in bounded time, without a panic.
func TestBadInputs(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	seeds := []string{`{"status":"success","data":{"query":{"numrows":1,"queryname=":"Q","rows":[{"attr:rownumber":1,"A":"x\u00e9"}]}}}`,
		`<?xml version="1.0" encoding="UTF-8"?><q xmlns="u" n="1"><row r="1"><A.B><![CDATA[x&]]></A.B><C/>&lt;<!-- c --></row></q>`}
	rnd, start := rand.New(rand.NewPCG(1, 2)), time.Now()
	for i := range n {
		data := mutate(rnd, seeds[i%2])
		if v, err := JSON(data, Limits{}); err == nil && v == nil && strings.TrimSpace(string(data)) != "null" {
			t.Fatalf("%q: neither value nor error", data)
		}
		if n, err := XML(data, "", Limits{}); (n == nil) == (err == nil) {
			t.Fatalf("%q: %v and %v", data, n, err)
		}
	}
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("%d inputs took %s", n, took)
	}
}

func mutate(rnd *rand.Rand, seed string) []byte {
	data := []byte(seed)
	for range 1 + rnd.IntN(4) {
		at := rnd.IntN(len(data))
		switch rnd.IntN(4) {
		case 0:
			data[at] = byte(rnd.IntN(256))
		case 1:
			data = data[:at+1]
		case 2:
			data = append(data[:at], append([]byte(nil), data[rnd.IntN(at+1):]...)...)
		default:
			data[at] = `{}[]",:<>&;/!-`[rnd.IntN(14)]
		}
		if len(data) == 0 {
			data = []byte("{")
		}
	}
	return data
}

// TestJSONAgreesWithTheStandardDecoder compares every accepted mutation with encoding/json.
func TestJSONAgreesWithTheStandardDecoder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	seed := `  {"a" : [ 1.50e+3 , -0, "x\u00e9\n\"\\", null,true , false, {} , [ ] ], "b":{"A":{"a":"é"}},"":"" } `
	accepted := 0
	for i := range 50_000 {
		data := []byte(seed)
		if i > 0 {
			data = mutate(rnd, seed)
		}
		v, err := JSON(data, Limits{})
		if err != nil {
			continue
		}
		accepted++
		var want any
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil || !reflect.DeepEqual(v, want) {
			t.Fatalf("%q: got %#v, want %#v, %v", data, v, want, err)
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d mutations were accepted: this test shows nothing", accepted)
	}
}

func TestManyKeys(t *testing.T) {
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, `"k%d":{"k%d":1},`, i, i)
	}
	if _, err := JSON([]byte("{"+b.String()+`"x":1}`), Limits{}); err != nil {
		t.Error(err)
	}
	for _, again := range []string{"k0", "K499", "k250"} {
		if _, err := JSON([]byte("{"+b.String()+`"`+again+`":1}`), Limits{}); err == nil {
			t.Errorf("%s twice was accepted", again)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x",null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := JSON(data, Limits{}); err == nil && !json.Valid(trimMark(data)) {
			t.Fatalf("accepted %q", data)
		}
	})
}

func FuzzXML(f *testing.F) {
	f.Add([]byte(`<a x="1"><b>c</b></a>`), "utf-8")
	f.Fuzz(func(t *testing.T, data []byte, charset string) {
		n, err := XML(data, charset, Limits{})
		if (n == nil) == (err == nil) {
			t.Fatalf("%q: %v and %v", data, n, err)
		}
	})
}

func trimMark(data []byte) []byte { return []byte(strings.TrimPrefix(string(data), "\xef\xbb\xbf")) }
