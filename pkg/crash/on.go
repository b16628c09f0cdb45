//go:build faultpoints

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var setting = sync.OnceValue(func() *script { return read(os.Getenv("MLC_CRASH"), os.Getenv("MLC_BUG")) })

// Point dies or waits here when the environment says so.
func Point(name string) {
	died, pause := setting().reach(name)
	if died {
		_, _ = fmt.Fprintf(os.Stderr, "crash point %s\n", name)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
	if pause > 0 {
		<-time.After(pause)
	}
}

// Bug tells whether the deliberate mistake is switched on.
func Bug(name string) bool { return setting().bugs[name] }

// script is what the environment asks for.
type script struct {
	mu    sync.Mutex
	at    map[string]int // hits left until death
	delay map[string]time.Duration
	bugs  map[string]bool
	dice  *rand.Rand
	odds  float64
}

// read understands MLC_CRASH and MLC_BUG. Nonsense would make a campaign that proves nothing, so it ends the process.
func read(crashes, bugs string) *script {
	s := &script{at: map[string]int{}, delay: map[string]time.Duration{}, bugs: map[string]bool{}}
	for _, b := range split(bugs) {
		s.bugs[b] = true
	}
	for _, c := range split(crashes) {
		if err := s.add(strings.Split(c, ":")); err != nil {
			panic(fmt.Sprintf("MLC_CRASH %q: %v", c, err))
		}
	}
	return s
}

func (s *script) add(parts []string) (err error) {
	switch {
	case len(parts) == 3 && parts[0] == "delay":
		s.delay[parts[1]], err = time.ParseDuration(parts[2])
	case len(parts) == 3 && parts[0] == "rand":
		var seed uint64
		if seed, err = strconv.ParseUint(parts[1], 10, 64); err == nil {
			s.dice = rand.New(rand.NewPCG(seed, 1))
			s.odds, err = strconv.ParseFloat(parts[2], 64)
		}
	case len(parts) == 2:
		s.at[parts[0]], err = strconv.Atoi(parts[1])
	case len(parts) == 1:
		s.at[parts[0]] = 1
	default:
		err = fmt.Errorf("want point:hit, delay:point:time or rand:seed:probability")
	}
	return err
}

func (s *script) reach(name string) (dies bool, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left, armed := s.at[name]; armed {
		s.at[name] = left - 1
		if left == 1 {
			return true, 0
		}
	}
	return s.dice != nil && s.dice.Float64() < s.odds, s.delay[name]
}

func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
