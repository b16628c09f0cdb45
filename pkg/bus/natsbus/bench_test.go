package natsbus

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// oneKiB gives an event a payload of the size of a real one.
func oneKiB(e event.Event) event.Event {
	e.Data = []byte(`{"kind":"employee","key":"1","pad":"` + strings.Repeat("x", 700) + `"}`)
	return e
}

func benchFacts(n, from int) []event.Event {
	out := make([]event.Event, n)
	for i := range out {
		out[i] = oneKiB(bustest.Facts(bustest.Acme, fmt.Sprintf("%07d", from+i), 1))
	}
	return out
}

func BenchmarkAppendPage500(b *testing.B) {
	bb, _ := ready(b)
	events := benchFacts(500, 0)
	prev, n := uint64(0), 0
	for b.Loop() {
		seq, err := bb.AppendPage(b.Context(), bustest.Acme, record.Employee, bus.Page{Events: events, Cursor: bustest.Cursor(bustest.Acme, "c"), Prev: prev})
		if err != nil {
			b.Fatal(err)
		}
		prev = seq
		n += len(events)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkPutWanted500(b *testing.B) {
	bb, _ := ready(b)
	n := 0
	for b.Loop() {
		events := make([]event.Event, 500)
		for i := range events {
			events[i] = oneKiB(bustest.Wanted(bustest.Acme, fmt.Sprintf("%07d", i), uint64(n+1)))
		}
		if _, err := bb.PutWanted(b.Context(), bustest.Acme, events); err != nil {
			b.Fatal(err)
		}
		n += len(events)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkHandle(b *testing.B) {
	for name, batch := range map[string]bus.Batch{"batch 256": {Max: 256, Linger: 5 * time.Millisecond}, "one by one": {}} {
		b.Run(name, func(b *testing.B) { benchHandle(b, batch) })
	}
}

func benchHandle(b *testing.B, batch bus.Batch) {
	const total = 20000
	bb, _ := ready(b)
	prev, made := uint64(0), 0
	for b.Loop() {
		b.StopTimer()
		prev, made = fill(b, bb, total, prev, made)
		b.StartTimer()
		ctx, cancel := context.WithCancel(b.Context())
		var mu sync.Mutex
		n := 0
		err := bb.Handle(ctx, bustest.Acme, bus.Transformer, batch, func(_ context.Context, ms []bus.Message) []error {
			mu.Lock()
			defer mu.Unlock()
			if n += len(ms); n >= total {
				cancel()
			}
			return make([]error, len(ms))
		})
		cancel()
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(made)/b.Elapsed().Seconds(), "msg/s")
}

// fill appends n events in pages.
func fill(b *testing.B, bb *Bus, n int, prev uint64, made int) (cursor uint64, total int) {
	b.Helper()
	for range n / 500 {
		var err error
		p := bus.Page{Events: benchFacts(500, made), Cursor: bustest.Cursor(bustest.Acme, "c"), Prev: prev}
		if prev, err = bb.AppendPage(b.Context(), bustest.Acme, record.Employee, p); err != nil {
			b.Fatal(err)
		}
		made += 500
	}
	return prev, made
}
