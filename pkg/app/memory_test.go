package app

import "testing"

func TestGarbageIsCollectedEarlierUnlessTheOperatorSaysHow(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want int
	}{
		"nothing is said":               {nil, garbage},
		"GOGC is set":                   {map[string]string{"GOGC": "100"}, 0},
		"a limit for the memory is set": {map[string]string{"GOMEMLIMIT": "460MiB"}, 0},
		"other settings do not count":   {map[string]string{"GOMAXPROCS": "2"}, garbage},
	} {
		t.Run(name, func(t *testing.T) {
			got := 0
			did := collect(func(k string) string { return c.env[k] }, func(p int) int { got = p; return 100 })
			if got != c.want || did != (c.want != 0) {
				t.Errorf("percent = %d (%t), want %d", got, did, c.want)
			}
		})
	}
}
