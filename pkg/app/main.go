package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Exit codes (design.md 8).
const (
	ExitOK      = 0
	ExitFailed  = 1
	ExitInput   = 2 // wrong command line or settings
	ExitOutside = 3 // an outside system or a check failed
	ExitGuard   = 4 // stopped by the guard or a stale plan
)

// Env is what a program gets from its surroundings; tests give their own.
type Env struct {
	Args   []string // without the program's name
	Getenv func(string) string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// OS is the real environment.
func OS() Env {
	return Env{os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr}
}

// Main runs a program until it ends or SIGINT or SIGTERM asks it to; a second signal ends it at once with 128 + its
// number. It answers the exit code.
func Main(run func(ctx context.Context, env Env) error) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		second := <-signals
		if n, ok := second.(syscall.Signal); ok {
			os.Exit(128 + int(n))
		}
		os.Exit(ExitFailed)
	}()
	env := OS()
	collect(env.Getenv, debug.SetGCPercent)
	err := run(ctx, env)
	if err != nil && !errors.As(err, new(Silent)) {
		fmt.Fprintln(env.Stderr, "Error "+Explain(err))
	}
	return ExitCode(err)
}

// Silent is an error whose story was told already; only its exit code is left.
type Silent struct{ Code int }

// Error implements error.
func (s Silent) Error() string { return fmt.Sprintf("exit %d", s.Code) }

// InputError marks a mistake of whoever called.
type InputError struct{ Err error }

// Error implements error.
func (e InputError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e InputError) Unwrap() error { return e.Err }

// ExitCode is the exit code for err.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	if s, ok := errors.AsType[Silent](err); ok {
		return s.Code
	}
	if _, ok := errors.AsType[InputError](err); ok {
		return ExitInput
	}
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return ExitFailed
	case f.Code == fault.BadConfig, f.Code == fault.Running, f.Code == "NO_SUCH_TENANT", f.Code == "BAD_REQUEST":
		return ExitInput
	case f.Code == fault.HoldChanged:
		return ExitGuard
	case f.Kind == fault.Internal, f.Kind == fault.Invalid:
		return ExitFailed
	}
	return ExitOutside
}

// Explain is the message for a person: code, what happened, and what to do next.
func Explain(err error) string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code == "" {
		return err.Error()
	}
	return err.Error() + "\n  next  " + fault.NextOf(err)
}

// Logger makes the program's logger: level debug, info, warn or error; format json or text.
func Logger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, InputError{fmt.Errorf("log level %q: want debug, info, warn or error", level)}
		}
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "", "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, InputError{fmt.Errorf("log format %q: want json or text", format)}
}
