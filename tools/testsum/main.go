// Command testsum runs `go test -json …`, shows what failed without flooding the screen, and counts honestly over
// several runs:
//
//	testsum -state counts.json go test -json ./...
//	testsum -state counts.json -summary
//
// The summary lists every test that did not run with its reason and ends with "N passed, N failed, N skipped". Only
// leaves are counted: a test with subtests stands for itself only when it failed by itself. A package that could not
// be built, panicked or timed out counts as one failure.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("testsum", flag.ContinueOnError)
	flags.SetOutput(errs)
	file := flags.String("state", "", "file that carries the counts from run to run")
	summary := flags.Bool("summary", false, "print the counts and what did not run")
	if err := flags.Parse(args); err != nil || *file == "" {
		fmt.Fprintln(errs, "usage: testsum -state FILE (-summary | go test -json …)")
		return 2
	}
	total, err := load(*file)
	if err != nil {
		fmt.Fprintln(errs, "testsum:", err)
		return 1
	}
	if *summary {
		return total.print(out)
	}
	got, err := tests(flags.Args(), out, errs)
	if err != nil {
		fmt.Fprintln(errs, "testsum:", err)
	}
	total.add(got)
	if err := total.save(*file); err != nil {
		fmt.Fprintln(errs, "testsum:", err)
		return 1
	}
	if err != nil || got.Failed > 0 {
		return 1
	}
	return 0
}

// tests runs one test command. A command that fails without a failed test counts as a failure of its own.
func tests(command []string, out, errs io.Writer) (counts, error) {
	if len(command) == 0 {
		return counts{}, fmt.Errorf("no command")
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return counts{}, err
	}
	if err := cmd.Start(); err != nil {
		return counts{Failed: 1}, err
	}
	r := newReader(out)
	readErr := r.read(pipe)
	err = cmd.Wait()
	got := r.count()
	if err != nil && got.Failed == 0 {
		got.Failed = 1
		return got, fmt.Errorf("%v: %w", command, err)
	}
	return got, readErr
}
