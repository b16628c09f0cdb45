package campaign

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// step is one line of campaign.json.
type step struct {
	Step     string  `json:"step"`
	N        int     `json:"n"`
	Unit     string  `json:"unit"`
	Records  int     `json:"records,omitempty"`
	Seed     uint64  `json:"seed"`
	Failures int     `json:"failures"`
	Seconds  float64 `json:"seconds"`
	Machine  string  `json:"machine"`
	Commit   string  `json:"commit"`
	Bound    string  `json:"bound,omitempty"` // of the failure rate for each kill, with 95 % confidence
	NotRun   string  `json:"not_run,omitempty"`
}

// report prints a step and writes it to the file that MLC_CAMPAIGN_JSON names.
func report(t testing.TB, s step, began time.Time) {
	t.Helper()
	s.Seconds = float64(time.Since(began).Milliseconds()) / 1000
	s.Machine = fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if out, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output(); err == nil {
		s.Commit = strings.TrimSpace(string(out))
	}
	if t.Failed() {
		s.Failures = max(s.Failures, 1)
	}
	if s.Failures == 0 && s.Unit == "kills" && s.N > 0 {
		s.Bound = fmt.Sprintf("%.2f %%", 300/float64(s.N))
	}
	line, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("campaign: %s\n", line)
	if path := os.Getenv("MLC_CAMPAIGN_JSON"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
}

// number is a setting from the environment.
func number(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// size is how much is played: what the environment says, else the whole in CI and a short form elsewhere.
func size(t testing.TB, name string, short, whole int) int {
	if os.Getenv("CI") != "" {
		short = whole
	}
	return number(t, name, short)
}

func seed(t testing.TB) uint64 { return uint64(number(t, "MLC_CAMPAIGN_SEED", 20261123)) }

// blame fails the test with everything that the oracles complained about.
func (r *rig) blame(what string, bad []string) {
	r.t.Helper()
	if len(bad) == 0 {
		return
	}
	for i, b := range bad {
		if i == 20 {
			r.t.Errorf("… and %d more", len(bad)-20)
			break
		}
		r.t.Error(b)
	}
	r.t.Fatalf("%s, seed %d: again with `make campaign SEED=%d`", what, seed(r.t), seed(r.t))
}
