package natsbus

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

const perPage = 20

// position is how many records the cursor stands behind; its cycle says it.
func position(t testing.TB, b *Bus) (records int, seq uint64) {
	t.Helper()
	e, seq, err := b.Cursor(context.WithoutCancel(t.Context()), bustest.Acme, record.Employee)
	if errors.Is(err, bus.ErrNone) {
		return 0, 0
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := event.Payload[event.Cursor](e, event.CursorV1)
	if err != nil {
		t.Fatal(err)
	}
	if records, err = strconv.Atoi(c.Cycle); err != nil {
		t.Fatal(err)
	}
	return records, seq
}

func pageFrom(at int, prev uint64) bus.Page {
	p := bus.Page{Cursor: bustest.Cursor(bustest.Acme, strconv.Itoa(at+perPage)), Prev: prev}
	for i := range perPage {
		p.Events = append(p.Events, bustest.Facts(bustest.Acme, fmt.Sprintf("%05d", at+i), 1))
	}
	return p
}

// checkOnce demands that records 0 to n-1 are in ERP exactly once each.
func checkOnce(t *testing.T, b *Bus, n int) {
	t.Helper()
	seen := map[string]int{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := b.Handle(ctx, bustest.Acme, bus.Transformer, bus.Batch{Max: 256}, func(_ context.Context, ms []bus.Message) []error {
		for _, m := range ms {
			seen[m.Ref.Key]++
		}
		if len(seen) >= n {
			cancel()
		}
		return make([]error, len(ms))
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := b.State(t.Context(), bustest.Acme)
	if err != nil {
		t.Fatal(err)
	}
	if got := st.Streams[bus.ERP].Messages; got != uint64(n)+1 {
		t.Errorf("%d messages, want %d records and one cursor", got, n)
	}
	for i := range n {
		if c := seen[fmt.Sprintf("%05d", i)]; c != 1 {
			t.Errorf("record %d is there %d times, want once", i, c)
		}
	}
}

func TestTwoPollersLoseAndDoubleNothing(t *testing.T) {
	const total = 1000
	b, srv := ready(t)
	var wg sync.WaitGroup
	for id := range 2 {
		mine := b
		if id == 1 {
			mine = connect(t, testOptions(srv))
		}
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(id), 7))
			for {
				at, seq := position(t, mine)
				if at >= total {
					return
				}
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(4) == 0 { // a poller that dies while it waits for the answer
					ctx, cancel = context.WithTimeout(t.Context(), time.Duration(r.IntN(3000))*time.Microsecond)
				}
				_, err := mine.AppendPage(ctx, bustest.Acme, record.Employee, pageFrom(at, seq))
				if err != nil && !errors.Is(err, bus.ErrConflict) && ctx.Err() == nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	checkOnce(t, b, total)
}

// TestKilledProcessKeepsWhatItAcknowledged starts itself as a poller, kills it with SIGKILL and counts.
func TestKilledProcessKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	acked := 0
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildPoller$", "--", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 25 && lines.Scan(); {
			if word, ok := strings.CutPrefix(lines.Text(), "acked "); ok {
				if acked, err = strconv.Atoi(word); err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed: an error by design
	}
	b := connect(t, testOptions(serve(t, dir)))
	at, _ := position(t, b)
	if acked < 3*25*perPage || at < acked || at > acked+perPage*30 {
		t.Errorf("cursor at %d after the kills, %d acknowledged", at, acked)
	}
	checkOnce(t, b, at)
}

func TestChildPoller(t *testing.T) {
	if flag.NArg() == 0 {
		t.Skip("NOT RUN: the child of TestKilledProcessKeepsWhatItAcknowledged")
	}
	srv, err := natsembed.Start(t.Context(), natsembed.Options{Dir: flag.Arg(0)})
	if err != nil {
		t.Fatal(err)
	}
	b := connect(t, testOptions(srv))
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	for {
		at, seq := position(t, b)
		if _, err := b.AppendPage(t.Context(), bustest.Acme, record.Employee, pageFrom(at, seq)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("acked", at+perPage)
	}
}
