package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of test2json (go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// result is what became of one test, or of a package when its test is "".
type result struct {
	action string
	parent bool
	lines  []string
}

type reader struct {
	out     io.Writer
	results map[string]map[string]*result // by package and test
}

func newReader(out io.Writer) *reader { return &reader{out, map[string]map[string]*result{}} }

// read consumes the stream; lines that are no events are shown as they are.
func (r *reader) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Action == "" {
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.take(e)
	}
	return lines.Err()
}

func (r *reader) take(e event) {
	if e.Package == "" {
		if e.Action == "build-output" {
			fmt.Fprint(r.out, e.Output)
		}
		return
	}
	t := r.at(e.Package, e.Test)
	switch e.Action {
	case "run":
		r.ancestors(e.Package, e.Test)
	case "output":
		t.lines = append(t.lines, e.Output)
	case "pass", "fail", "skip":
		t.action = e.Action
		r.ended(e, t)
	}
}

func (r *reader) at(pkg, test string) *result {
	if r.results[pkg] == nil {
		r.results[pkg] = map[string]*result{}
	}
	t := r.results[pkg][test]
	if t == nil {
		t = &result{}
		r.results[pkg][test] = t
	}
	return t
}

// ancestors marks the tests above a subtest.
func (r *reader) ancestors(pkg, test string) {
	for i := strings.LastIndexByte(test, '/'); i > 0; i = strings.LastIndexByte(test[:i], '/') {
		r.at(pkg, test[:i]).parent = true
	}
}

// ended shows a failure with its output, and one line for a package.
func (r *reader) ended(e event, t *result) {
	switch {
	case e.Action == "fail":
		fmt.Fprint(r.out, strings.Join(t.lines, ""))
		fmt.Fprintf(r.out, "FAIL %s %s (%.2fs)\n", e.Package, e.Test, e.Elapsed)
	case e.Test == "" && e.Action == "pass":
		fmt.Fprintf(r.out, "ok   %s (%.1fs)\n", e.Package, e.Elapsed)
	}
	t.lines = slices.DeleteFunc(t.lines, func(s string) bool { return e.Action != "skip" && !strings.Contains(s, notRun) })
}

const notRun = "NOT RUN"

// count counts the leaves.
func (r *reader) count() counts {
	var c counts
	for pkg, tests := range r.results {
		c.add(ofPackage(pkg, tests))
	}
	slices.Sort(c.NotRun)
	return c
}

func ofPackage(pkg string, tests map[string]*result) (c counts) {
	for name, t := range tests {
		c.NotRun = append(c.NotRun, reasons(pkg, name, t)...)
		if name == "" || t.parent {
			continue
		}
		switch t.action {
		case "pass":
			c.Passed++
		case "skip":
			c.Skipped++
		default: // also a test that never ended: its package panicked or timed out
			c.Failed++
		}
	}
	if c.Failed == 0 && alone(tests) {
		c.Failed++
	}
	return c
}

// alone says whether something failed that is no leaf: the package, or a test with subtests by its own doing.
func alone(tests map[string]*result) bool {
	for name, t := range tests {
		if t.action == "fail" && (name == "" || t.parent) {
			return true
		}
	}
	return false
}

// reasons are the lines that say why a test, or a part of it, did not run.
func reasons(pkg, name string, t *result) (list []string) {
	if name == "" {
		return nil
	}
	for _, line := range t.lines {
		if _, why, ok := strings.Cut(line, notRun); ok {
			list = append(list, fmt.Sprintf("%s %s: %s", pkg, name, strings.TrimSpace(strings.TrimPrefix(why, ":"))))
		}
	}
	if len(list) == 0 && t.action == "skip" && !t.parent {
		list = append(list, fmt.Sprintf("%s %s: skipped without saying why", pkg, name))
	}
	return list
}
