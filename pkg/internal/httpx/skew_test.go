package httpx

import (
	"net/http"
	"testing"
	"time"
)

func TestSkewIsWhatTwoAnswersAreCertainOf(t *testing.T) {
	type answer struct {
		date, took time.Duration // the Date against the moment of the request; how long the answer took
		cached     bool
	}
	cases := map[string]struct {
		answers    []answer
		least, top time.Duration
	}{
		"no answer tells nothing":                     {nil, 0, 0},
		"one answer tells nothing":                    {[]answer{{date: time.Hour}}, 0, 0},
		"ahead by an hour":                            {[]answer{{date: time.Hour}, {date: time.Hour, took: time.Second}}, time.Hour - 3*time.Second, time.Hour},
		"behind by a day":                             {[]answer{{date: -24 * time.Hour}, {date: -24 * time.Hour}}, -24 * time.Hour, -24*time.Hour + 3*time.Second},
		"slow answers are no skew":                    {[]answer{{date: 0, took: 3 * time.Minute}, {date: 3 * time.Minute, took: 3 * time.Minute}}, 0, 0},
		"one wrong answer among right ones is none":   {[]answer{{}, {date: time.Hour}, {}}, 0, 0},
		"a cache's answer does not count":             {[]answer{{}, {}, {date: -time.Hour, cached: true}, {date: -time.Hour, cached: true}}, 0, 0},
		"it ends when the clocks agree again":         {[]answer{{date: time.Hour}, {date: time.Hour}, {}}, 0, 0},
		"ahead once and behind once agree on nothing": {[]answer{{date: time.Hour}, {date: -time.Hour}}, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client := &Client{}
			for _, a := range c.answers {
				sent := time.Now()
				h := http.Header{"Date": {sent.Add(a.date).UTC().Format(http.TimeFormat)}}
				if a.cached {
					h.Set("Age", "30")
				}
				client.skew.note(h, sent, sent.Add(a.took))
			}
			if got := client.Skew(); got < c.least || got > c.top {
				t.Errorf("%s, want %s to %s", got, c.least, c.top)
			}
		})
	}
}
