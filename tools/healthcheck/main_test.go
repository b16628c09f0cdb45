package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestExitCode(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	cases := map[string]struct {
		args []string
		want int
	}{
		"a ready service is healthy":            {[]string{srv.URL + "/readyz"}, 0},
		"a service that is not ready is not":    {[]string{srv.URL + "/other"}, 1},
		"nobody listening is unhealthy":         {[]string{"http://127.0.0.1:1/readyz"}, 1},
		"a wrong command line has its own code": {nil, 2},
	}
	for name, c := range cases {
		if got := run(c.args, io.Discard); got != c.want {
			t.Errorf("%s: exit %d, want %d", name, got, c.want)
		}
	}
}
