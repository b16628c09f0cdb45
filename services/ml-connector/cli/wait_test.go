package cli

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

func TestWaitingIsGivenUpWhereOnlyAPersonCanGoOn(t *testing.T) {
	auth := []adminapi.Problem{{Code: "ZD_AUTH", Where: "zendesk"}}
	down := []adminapi.Problem{{Code: "ZD_DOWN", Where: "zendesk"}}
	for name, tc := range map[string]struct {
		seen [][]adminapi.Problem // one second apart
		want bool
	}{
		"refused for long":              {[][]adminapi.Problem{auth, auth, auth, auth, auth, auth}, true},
		"refused for a moment":          {[][]adminapi.Problem{auth, auth, auth, auth, auth}, false},
		"accepted in between":           {[][]adminapi.Problem{auth, auth, auth, nil, auth, auth}, false},
		"down: it comes back by itself": {[][]adminapi.Problem{down, down, down, down, down, down, down}, false},
		"down, then refused":            {[][]adminapi.Problem{down, down, down, down, down, auth, auth}, false},
		"nothing wrong":                 {[][]adminapi.Problem{nil, nil, nil, nil, nil, nil, nil}, false},
	} {
		w, now, got := patience{began: map[string]time.Time{}}, time.Unix(0, 0), false
		for _, p := range tc.seen {
			got = len(w.over(p, now)) > 0
			now = now.Add(time.Second)
		}
		if got != tc.want {
			t.Errorf("%s: given up %t, want %t", name, got, tc.want)
		}
	}
}

func TestTheFormOfAKeyTellsItsKind(t *testing.T) {
	for in, want := range map[adminapi.Sync]string{
		{Key: "0004711"}:                  "employees",
		{Key: "SHARE/0000000011"}:         "vendors",
		{Key: "SHARE/1", Kind: "vendors"}: "vendors",
		{Key: "1", Kind: "vendor"}:        "vendor",
		{}:                                "",
	} {
		if got := kindOf(in); got != want {
			t.Errorf("%+v is %q, want %q", in, got, want)
		}
	}
}
