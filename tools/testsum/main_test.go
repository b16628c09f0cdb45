package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	const skipped = `{"Action":"run","Package":"p","Test":"T"}` + "\n" +
		`{"Action":"output","Package":"p","Test":"T","Output":"    x_test.go:3: NOT RUN: no Postgres\n"}` + "\n" +
		`{"Action":"skip","Package":"p","Test":"T"}` + "\n"
	cases := map[string]struct {
		in   string
		want counts
	}{
		"a passed test counts once":                          {lines("run T", "pass T", "pass "), counts{Passed: 1}},
		"subtests count and their parent does not":           {lines("run T", "run T/a", "run T/b/c", "pass T/a", "pass T/b/c", "pass T/b", "pass T"), counts{Passed: 2}},
		"a failed subtest is one failure, not two":           {lines("run T", "run T/a", "fail T/a", "fail T", "fail "), counts{Failed: 1}},
		"a parent that failed by itself is a failure":        {lines("run T", "run T/a", "pass T/a", "fail T", "fail "), counts{Passed: 1, Failed: 1}},
		"a package that does not build is a failure":         {lines("fail "), counts{Failed: 1}},
		"a test that never ended is a failure":               {lines("run T", "fail "), counts{Failed: 1}},
		"a package without tests is nothing":                 {lines("skip "), counts{}},
		"a skip keeps its reason":                            {skipped, counts{Skipped: 1, NotRun: []string{"p T: no Postgres"}}},
		"a skip without a reason is shown as such":           {lines("run T", "skip T"), counts{Skipped: 1, NotRun: []string{"p T: skipped without saying why"}}},
		"lines that are no events change nothing":            {"go: downloading x\n" + lines("run T", "pass T"), counts{Passed: 1}},
		"a reason told in a test that passed is not dropped": {strings.ReplaceAll(skipped, `"skip"`, `"pass"`), counts{Passed: 1, NotRun: []string{"p T: no Postgres"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newReader(&bytes.Buffer{})
			if err := r.read(strings.NewReader(c.in)); err != nil {
				t.Fatal(err)
			}
			got := r.count()
			if got.Passed != c.want.Passed || got.Failed != c.want.Failed || got.Skipped != c.want.Skipped || !slices.Equal(got.NotRun, c.want.NotRun) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func lines(events ...string) string {
	var b strings.Builder
	for _, e := range events {
		action, test, _ := strings.Cut(e, " ")
		fmt.Fprintf(&b, "{\"Action\":%q,\"Package\":\"p\",\"Test\":%q}\n", action, test)
	}
	return b.String()
}

func TestRunsAddUp(t *testing.T) {
	state := filepath.Join(t.TempDir(), "counts.json")
	var out bytes.Buffer
	one := []string{"-state", state, "printf", "%s", lines("run T", "pass T")}
	if code := run(one, &out, &out); code != 0 {
		t.Fatalf("exit %d: %s", code, &out)
	}
	if code := run(one, &out, &out); code != 0 {
		t.Fatalf("exit %d: %s", code, &out)
	}
	out.Reset()
	if code := run([]string{"-state", state, "-summary"}, &out, &out); code != 0 || out.String() != "2 passed, 0 failed, 0 skipped\n" {
		t.Fatalf("exit %d: %q", code, &out)
	}
}

func TestACommandThatFailsWithoutATestIsAFailure(t *testing.T) {
	state := filepath.Join(t.TempDir(), "counts.json")
	var out bytes.Buffer
	if code := run([]string{"-state", state, "false"}, &out, &out); code != 1 {
		t.Fatalf("exit %d", code)
	}
	if code := run([]string{"-state", state, "-summary"}, &out, &out); code != 1 || !strings.Contains(out.String(), "0 passed, 1 failed, 0 skipped") {
		t.Fatalf("exit %d: %q", code, &out)
	}
}
