package zendesk

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "-1", "1.5", "27", "1000000000", "99999999999999999999", "Mon, 23 Nov 2026 10:00:30 GMT", "soon"} {
		f.Add(s, 1)
	}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string, strike int) {
		if d := retryAfter(http.Header{"Retry-After": {s}}, now, strike); d < 0 || d > maxRetryAfter {
			t.Errorf("%q, strike %d: %s", s, strike, d)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, s := range []string{
		"", "null", "[]", "{", `{"error":"RecordNotFound","description":"Not found"}`, `{"error":{"title":"Forbidden","message":"x"}}`,
		`{"errors":[{"code":"TooManyRequests","title":"t"}]}`, `{"error":"RecordInvalid","details":{"email":[{"description":"Email: a@b.example is already being used by another user","error":"DuplicateValue"}]}}`,
		"<html>", `{"details":{"x":1,"y":[1]}}`, `{"errors":{}}`, "\xff\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := parseBody(b)
		if len(s.text) > 200 || len(s.code) > 60 || !utf8.ValidString(s.text) || strings.ContainsAny(s.text+s.code, "\n\r\x00\x1b") {
			t.Errorf("%q gives %+v", b, s)
		}
		if mailAddress.MatchString(s.text) {
			t.Errorf("an address in %q", s.text)
		}
	})
}

func FuzzJobResults(f *testing.F) {
	for _, s := range []string{
		`null`, `{"success":true}`, `[]`, `[{"id":1900,"status":"Created","email":"a@x.example"}]`, `[{"id":2,"error":"UserUpdateError","status":"Failed"}]`,
		`[{"index":1,"error":"E","id":12}]`, `[{"index":-1,"id":5},{"index":9,"id":6}]`, `[{"id":11,"status":"Updated","success":true},{"id":11,"success":false}]`,
		`[{"index":0,"email":"b@x.example","id":7}]`, `[1]`,
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, updates bool) {
		in := []sent{{ext: "e:1", email: "a@x.example"}, {ext: "e:2", email: "b@x.example"}, {ext: "e:3"}}
		if updates {
			in = []sent{{id: 11}, {id: 12}, {id: 13}}
		}
		var r results
		if json.Unmarshal(b, &r) != nil {
			return
		}
		fates := match(in, r)
		if len(fates) != len(in) {
			t.Fatalf("%d fates", len(fates))
		}
		for i, x := range fates {
			if x.known && !x.failed && (x.id <= 0 || updates && x.id != in[i].id) {
				t.Errorf("record %d: %+v from %s", i, x, b)
			}
		}
	})
}

func TestResultsThatContradictThemselvesAreNotBelieved(t *testing.T) {
	creates := []sent{{ext: "e:1", email: "a@x.example"}, {ext: "e:2", email: "b@x.example"}}
	updates := []sent{{id: 6164000000011}, {id: 6164000000012}}
	for name, tc := range map[string]struct {
		in   []sent
		raw  string
		want []fate
	}{
		"matched by email in any order":        {creates, `[{"id":8,"status":"Created","email":"B@x.example"},{"id":7,"status":"Created","email":"a@x.example"}]`, []fate{{known: true, id: 7}, {known: true, id: 8}}},
		"never by position alone":              {creates, `[{"id":7,"status":"Created"},{"id":8,"status":"Created"}]`, []fate{{}, {}}},
		"one element that names nothing":       {creates, `[{"id":7,"status":"Created"}]`, []fate{{}, {}}},
		"index against email":                  {creates, `[{"index":0,"id":8,"email":"b@x.example"}]`, []fate{{}, {}}},
		"a failed upsert's id is its position": {creates, `[{"id":1,"error":"UserUpdateError","details":"x","status":"Failed"}]`, []fate{{}, {known: true, failed: true, detail: "x"}}},
		"two elements for one record":          {creates, `[{"id":7,"email":"a@x.example"},{"id":8,"email":"a@x.example"}]`, []fate{{}, {}}},
		"an update by id":                      {updates, `[{"action":"update","id":6164000000012,"status":"Updated","success":true}]`, []fate{{}, {known: true, id: 6164000000012}}},
		"a failed update by index":             {updates, `[{"index":1,"error":"OrganizationUpdateFailed","id":6164000000012,"details":"y"}]`, []fate{{}, {known: true, failed: true, detail: "y"}}},
		"an update of somebody else":           {updates, `[{"index":0,"id":999,"status":"Updated","success":true}]`, []fate{{}, {}}},
	} {
		t.Run(name, func(t *testing.T) {
			var r results
			if err := json.Unmarshal([]byte(tc.raw), &r); err != nil {
				t.Fatal(err)
			}
			for i, got := range match(tc.in, r) {
				if got != tc.want[i] {
					t.Errorf("record %d: %+v, want %+v", i, got, tc.want[i])
				}
			}
		})
	}
}
