package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// counts is what all runs together came to.
type counts struct {
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
	NotRun  []string `json:"not_run"` // "package test: why"
}

func (c *counts) add(o counts) {
	c.Passed, c.Failed, c.Skipped = c.Passed+o.Passed, c.Failed+o.Failed, c.Skipped+o.Skipped
	c.NotRun = append(c.NotRun, o.NotRun...)
}

// load reads the counts; no file means that nothing ran yet.
func load(file string) (c counts, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return counts{}, nil
	}
	if err != nil {
		return counts{}, err
	}
	return c, json.Unmarshal(b, &c)
}

func (c counts) save(file string) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// print writes the summary. No test at all is a failure: something is wrong with the command then.
func (c counts) print(out io.Writer) int {
	for _, why := range c.NotRun {
		fmt.Fprintln(out, "NOT RUN:", why)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", c.Passed, c.Failed, c.Skipped)
	if c.Failed > 0 || c.Passed == 0 {
		return 1
	}
	return 0
}
