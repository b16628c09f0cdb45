package peoplesoft_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

func TestSameSeedSameCompany(t *testing.T) {
	body := func(seed uint64) string {
		w := start(t, peoplesoft.Options{Seed: seed, Employees: 300, Vendors: 60, Rows: peoplesoft.All})
		w.must(w.Apply(peoplesoft.Event{Type: "hire", Count: 5}))
		w.must(w.VendorAdd("", ""))
		w.must(w.AddJob("0001002", "", ""))
		return w.get(people).body + w.get(vendors).body
	}
	if one, again, other := body(1), body(1), body(2); one != again || one == other {
		t.Errorf("same seed equal: %v, other seed equal: %v", one == again, one == other)
	}
}

func TestAddressesAndMailsAreInvented(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 500, Vendors: 200})
	mails := map[string]bool{}
	for _, e := range w.Truth("").Employees {
		if e.Email != "" && (!strings.HasSuffix(e.Email, "@example.com") || mails[e.Email]) {
			t.Errorf("mail %q: not in example.com, or twice", e.Email)
		}
		mails[e.Email] = true
		if !regexp.MustCompile(`^0\d{6}$`).MatchString(e.EmplID) || e.Name == "" {
			t.Errorf("%+v: want an EMPLID with leading zeros and a name", e)
		}
	}
	for _, v := range w.Truth("").Vendors {
		if v.Email != "" && !strings.HasSuffix(v.Email, ".example") {
			t.Errorf("vendor mail %q", v.Email)
		}
	}
}

func TestRequestLogAndCounts(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 20, Keep: 3})
	w.call(people, 5, "FROM_DTTM=", "LAST_EMPLID=0001002")
	want := map[string]string{"FROM_DTTM": "", "LAST_EMPLID": "0001002"}
	if r := w.Requests()[0]; r.Query != "ML_EMPLOYEES" || r.Rows != 5 || r.Status != 200 || !reflect.DeepEqual(r.Prompts, want) || r.On != "query" {
		t.Errorf("log %+v", r)
	}
	for range 9 {
		w.get("/nowhere")
	}
	if log, c := w.Requests(), w.Counts(); len(log) != 3 || c.Requests != 10 || c.Rows != 5 || c.Status[404] != 9 || c.On["query"] != 1 {
		t.Errorf("%d lines kept, counts %+v", len(log), c)
	}
	w.ForgetRequests()
	if len(w.Requests()) != 0 || w.Counts().Requests != 0 {
		t.Error("the log was not forgotten")
	}
}

func TestControlAPI(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 10, Vendors: 2, User: "u", Password: "p"})
	tests := []struct {
		post, body string
		status     int
		want       string
	}{
		{"/_sim/event", `{"type":"hire","first":"Dana","last":"O'Malvey","date":"2026-03-05"}`, 200, `"keys":["0001011"]`},
		{"/_sim/event", `{"type":"fly"}`, 400, "want one of add-job"},
		{"/_sim/event", `{"kind":"hire"}`, 400, "unknown field"},
		{"/_sim/fault", `{"kind":"slow","delay":"1ms","times":1}`, 200, `"ok":true`},
		{"/_sim/fault", `{"kind":"slow","delay":"soon"}`, 400, "want a duration"},
		{"/_sim/fault", `{"kind":"gremlins"}`, 400, "fault kind"},
		{"/_sim/quirks", `{"long_names":true}`, 200, `"ok":true`},
		{"/_sim/rows?mode=all", ``, 200, `"ok":true`},
		{"/_sim/rows?mode=some", ``, 400, "want current"},
		{"/_sim/advance?by=72h", ``, 200, `"ok":true`},
		{"/_sim/advance?by=long", ``, 400, "error"},
		{"/_sim/clear", ``, 200, `"ok":true`},
		{"/_sim/revoke", ``, 200, `"ok":true`},
		{"/_sim/unlock", ``, 200, `"ok":true`},
		{"/_sim/forget", ``, 200, `"ok":true`},
		{"/_sim/nothing", ``, 404, ""},
	}
	for _, tc := range tests {
		if got := w.post(tc.post, tc.body); got.status != tc.status || !strings.Contains(got.body, tc.want) {
			t.Errorf("POST %s %s: %d %s, want %d %s", tc.post, tc.body, got.status, got.body, tc.status, tc.want)
		}
	}
	for path, want := range map[string]string{
		"/_sim/truth":                           `"active":true,"started":true`,
		"/_sim/truth?day=2026-03-04":            `"day":"2026-03-04"`,
		"/_sim/requests":                        `[]`,
		"/_sim/counts":                          `"requests":0`,
		"/_sim/events":                          `"vendor-add"`,
		"/_sim/employees?after=0001010&limit=1": `"name":"Dana O'Malvey"`,
		"/_sim/departments":                     `"0010500":"Engineering"`,
		"/_sim/clock":                           `"today":"2026-03-05"`,
	} {
		if got := w.get(path); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("GET %s: %d %.300s, want %s", path, got.status, got.body, want)
		}
	}
}

func TestTwoNodesMayBeOne(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 2, Vendors: 2, Node: "PS", VendorNode: "PS", NodeOptional: true})
	for _, path := range []string{strings.Replace(people, "PSFT_HR", "PS", 1), strings.Replace(vendors, "PSFT_EP", "PS", 1), strings.Replace(vendors, "PSFT_EP/", "", 1)} {
		if got := w.get(path); got.status != 200 || !strings.Contains(got.body, `"numrows":2`) {
			t.Errorf("%s: %d %.200s", path, got.status, got.body)
		}
	}
}

func TestManyReadersAndWritersAtOnce(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 200, Vendors: 40})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 40 {
				id := fmt.Sprintf("%07d", 1001+(worker*40+i)%200)
				switch worker % 4 {
				case 0:
					_, _ = w.ChangeEmail(id, "x@example.com")
					_, _ = w.Terminate(id, "")
					_, _ = w.Rehire(id, "")
				case 1:
					_, _ = w.Apply(peoplesoft.Event{Type: "hire", Title: fmt.Sprint("Title ", i), LateSeconds: i})
					_, _ = w.VendorAdd("", "")
				case 2:
					recorder := httptest.NewRecorder()
					w.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, people+ask(50, "LAST_EMPLID="+id), nil))
					if recorder.Code != 200 || !json.Valid(recorder.Body.Bytes()) {
						t.Errorf("%d %.200s", recorder.Code, recorder.Body)
					}
				case 3:
					_ = w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultHalfRows, Times: 1})
					w.Truth("")
					w.SetQuirks(peoplesoft.Quirks{LongNames: i%2 == 0})
					w.Requests()
					w.Advance(time.Second)
				}
			}
		})
	}
	all.Wait()
	w.Advance(time.Hour)
	if n := len(w.Truth("").Employees); n != 280 {
		t.Errorf("%d people, want 200 and 80 hired", n)
	}
}

func TestHundredThousandPeople(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN: -short")
	}
	begin := time.Now()
	w := start(t, peoplesoft.Options{Employees: 100_000})
	t.Logf("generated in %v", time.Since(begin))
	begin = time.Now()
	rows := w.call(people, 1000, "LAST_EMPLID=0091000")
	t.Logf("a page of 1000 with the client's decoding in %v", time.Since(begin))
	if len(rows) != 1000 || rows[0].text("EMPLID") <= "0091000" {
		t.Errorf("%d rows from %s", len(rows), rows[0].text("EMPLID"))
	}
	w.must(w.ChangeEmail("0099999", "one@example.com"))
	if got := w.call(people, 1000, "FROM_DTTM=2026-03-02T12:00:00"); len(got) != 1 {
		t.Errorf("%d rows in the newest window, want 1", len(got))
	}
}

func BenchmarkGenerate100k(b *testing.B) {
	for b.Loop() {
		peoplesoft.New(peoplesoft.Options{Employees: 100_000, Now: noon})
	}
}

func BenchmarkPageOf1000(b *testing.B) {
	s := peoplesoft.New(peoplesoft.Options{Employees: 100_000, Now: noon})
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, people+ask(1000, "LAST_EMPLID=0050000"), nil))
	}
}

func BenchmarkEmptyWindowOver100k(b *testing.B) {
	s := peoplesoft.New(peoplesoft.Options{Employees: 100_000, Now: noon})
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, people+ask(1000, "FROM_DTTM=2026-03-02T12:00:00"), nil))
	}
}

// lines tells a test when something was printed.
type lines struct {
	io.Writer
	printed chan string
}

func (l lines) Write(p []byte) (int, error) {
	l.printed <- string(p)
	return len(p), nil
}

func TestProgramServesUntilItIsTold(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, code := lines{printed: make(chan string, 4)}, make(chan int, 1)
	go func() {
		code <- peoplesoft.Serve(ctx, []string{"-listen", "127.0.0.1:0", "-employees", "3", "-vendors", "-1", "-user", "", "-prefix", "/x"}, out, os.Stderr)
	}()
	line := <-out.printed
	address := regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	w := &world{t: t, url: address}
	if got := w.get("/x" + people); got.status != 200 || !strings.Contains(got.body, `"numrows":3`) {
		t.Errorf("%s: %d %.200s %v", line, got.status, got.body, got.err)
	}
	stop()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d, want 0", got)
	}
}

func TestProgramRefusesWrongArguments(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown flag": {"-fly"}, "an argument": {"now"}, "an unknown zone": {"-zone", "Mars/Olympus"}, "an unknown mode": {"-rows", "some"},
	} {
		t.Run(name, func(t *testing.T) {
			var problems bytes.Buffer
			if code := peoplesoft.Serve(t.Context(), args, io.Discard, &problems); code != 2 || problems.Len() == 0 {
				t.Errorf("exit code %d, %q: want 2 and a reason", code, problems.String())
			}
		})
	}
	if code := peoplesoft.Serve(t.Context(), []string{"-listen", "256.0.0.1:1"}, io.Discard, io.Discard); code != 1 {
		t.Errorf("an address that cannot be: exit code %d, want 1", code)
	}
}

func TestPackageCommentListsEveryEventAndAddress(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	words := append(peoplesoft.New(peoplesoft.Options{Employees: 1, Vendors: 1}).EventTypes(), "truth", "requests", "counts", "events", "employees", "departments",
		"clock", "event", "fault", "quirks", "rows", "advance", "clear", "revoke", "unlock", "forget")
	for _, word := range words {
		if !regexp.MustCompile(`(\t|  |/_sim/)` + word + `\b`).Match(doc) {
			t.Errorf("doc.go does not explain %s", word)
		}
	}
}
