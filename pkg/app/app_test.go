package app_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestRun(t *testing.T) {
	boom := errors.New("boom")
	waits := app.Component{Name: "waits", Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
	cases := map[string]struct {
		parts []app.Component
		want  string
	}{
		"a failure stops the others and carries its name": {[]app.Component{waits, {Name: "bad", Run: func(context.Context) error { return boom }}}, "bad: boom"},
		"a part that just returns is a failure too":       {[]app.Component{waits, {Name: "lazy", Run: func(context.Context) error { return nil }}}, "lazy: stopped by itself"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := app.Run(t.Context(), quiet(), time.Second, c.parts...)
			if err == nil || err.Error() != c.want {
				t.Fatalf("err = %v, want %q", err, c.want)
			}
		})
	}
}

func TestRunEndsInBoundedTimeAfterASignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		stuck := app.Component{Name: "stuck", Run: func(context.Context) error { <-release; return nil }}
		time.AfterFunc(time.Minute, cancel)
		start := time.Now()
		if err := app.Run(ctx, quiet(), 10*time.Second, stuck); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 70*time.Second {
			t.Fatalf("took %v, want a minute and the grace", took)
		}
		close(release)
	})
}

func TestExitCodes(t *testing.T) {
	cases := map[string]struct {
		err  error
		want int
	}{
		"nothing wrong":            {nil, 0},
		"unclassified":             {errors.New("x"), 1},
		"our bug":                  {fault.New(fault.Internal, fault.Unclassified, ""), 1},
		"wrong settings":           {fault.New(fault.Config, fault.BadConfig, ""), 2},
		"wrong command line":       {app.InputError{Err: errors.New("x")}, 2},
		"an outside system failed": {fault.New(fault.Auth, fault.TargetAuth, ""), 3},
		"told already":             {app.Silent{Code: 4}, 4},
	}
	for name, c := range cases {
		if got := app.ExitCode(c.err); got != c.want {
			t.Errorf("%s: exit %d, want %d", name, got, c.want)
		}
	}
}

func TestReadinessNamesWhatIsMissingAndNoErrorText(t *testing.T) {
	h := app.NewHealth(nil, app.Check{Name: "broker", Run: func(context.Context) error {
		return fault.Wrap(errors.New("secret-host refused"), fault.Transient, fault.BrokerDown, "")
	}}, app.Check{Name: "store", Run: func(context.Context) error { return nil }})
	mux := http.NewServeMux()
	h.Routes(mux)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	body := rec.Body.String()
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(body, "BROKER_DOWN") || strings.Contains(body, "secret-host") {
		t.Fatalf("%d %s", rec.Code, body)
	}
	live := httptest.NewRecorder()
	mux.ServeHTTP(live, httptest.NewRequest(http.MethodGet, "/livez", nil))
	if live.Code != http.StatusOK {
		t.Fatal("a process with a broken broker is still alive")
	}
}

func TestLoggerRefusesUnknownSettings(t *testing.T) {
	for _, c := range [][2]string{{"loud", "json"}, {"info", "xml"}} {
		if _, err := app.Logger(&bytes.Buffer{}, c[0], c[1]); app.ExitCode(err) != app.ExitInput {
			t.Errorf("%v: err = %v", c, err)
		}
	}
}
