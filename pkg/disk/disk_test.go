package disk

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

const gib = 1 << 30

func TestFloors(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		total int64
		want  int64
	}{
		"a tenth of a middling disk":               {"", 40 * gib, 4 * gib},
		"a tenth counts up to 8 GiB":               {"", 4000 * gib, ShareLimit},
		"2 GiB where a tenth is less":              {"", 15 * gib, 2 * gib},
		"a quarter of a disk that is small itself": {"", 1 * gib, gib / 4},
		"an exact size":                            {"500MiB", 1 * gib, 500 << 20},
		"an exact size in bytes":                   {" 4096 ", 1 * gib, 4096},
		"a share and a least size":                 {"20%, 1GiB", 20 * gib, 4 * gib},
		"off":                                      {"off", 20 * gib, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := ParseFloor(c.text)
			if got := f.For(c.total); err != nil || got != c.want {
				t.Errorf("%d, %v, want %d", got, err, c.want)
			}
		})
	}
}

func TestFloorsThatAreNone(t *testing.T) {
	for _, text := range []string{"none", "10%", "0", "-1MiB", "10%,", "0%,1GiB", "100%,1GiB", "NaN%,1GiB", "9999999999TiB", "1GB", "1 0"} {
		if f, err := ParseFloor(text); err == nil {
			t.Errorf("%q is read as %+v", text, f)
		}
	}
}

func TestSpaceOfAFolder(t *testing.T) {
	s, err := Of(t.TempDir())
	if err != nil || s.Free <= 0 || s.Total < s.Free {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := Of(t.TempDir() + "/absent"); err == nil {
		t.Error("a folder that is not there has space")
	}
}

func TestAWatchPausesHealsAndTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now sync.Mutex
		free, broken := int64(10*gib), error(nil)
		look := func(string) (Space, error) {
			now.Lock()
			defer now.Unlock()
			return Space{free, 20 * gib}, broken
		}
		w := New(Options{Dir: "/data", Floor: Floor{Exact: gib}, Look: look})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = w.Run(ctx) }()
		for _, step := range []struct {
			what   string
			free   int64
			err    error
			want   fault.Code
			healed bool
		}{
			{"room", 2 * gib, nil, "", false},
			{"under the floor", gib - 1, nil, fault.DiskLow, false},
			{"just above the floor it does not flap", gib + 1, nil, fault.DiskLow, false},
			{"well above it", gib + gib/10, nil, "", false},
			{"no room at all", 100, nil, fault.DiskFull, false},
			{"some room", gib / 2, nil, fault.DiskLow, false},
			{"nobody can tell: as before", 5 * gib, errors.New("no answer"), fault.DiskLow, false},
			{"room again after it was full", 5 * gib, nil, "", true},
		} {
			now.Lock()
			free, broken = step.free, step.err
			now.Unlock()
			time.Sleep(1100 * time.Millisecond) // synctest: no real time passes
			synctest.Wait()
			err := w.Err()
			if (err == nil) != (step.want == "") || err != nil && (fault.CodeOf(err) != step.want || fault.KindOf(err) != fault.Transient) {
				t.Errorf("%s: %v, want %q", step.what, err, step.want)
			}
			if r := w.Recovered(); r.At.IsZero() == step.healed || step.healed && !r.Since.Before(r.At) {
				t.Errorf("%s: recovered %+v", step.what, r)
			}
		}
	})
}
