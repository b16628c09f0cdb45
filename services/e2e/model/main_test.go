package model

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// shards is how many parts the histories are tried in, side by side.
const shards = 4

// runs is how many histories are tried: MLC_MODEL_RUNS, else 2,000 in CI and 200 elsewhere.
func runs() int {
	if n, err := strconv.Atoi(os.Getenv("MLC_MODEL_RUNS")); err == nil && n > 0 {
		return n
	}
	if os.Getenv("CI") != "" {
		return 2000
	}
	return 200
}

func TestMain(m *testing.M) {
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{
		"rapid.checks":     strconv.Itoa((runs() + shards - 1) / shards),
		"rapid.shrinktime": "1s", // smaller shrinks better
		"rapid.seed":       strconv.FormatUint(rand.Uint64()|1, 10),
	} {
		if given[name] {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}
