package assembly

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// meter answers /metrics from the broker and the store at the moment of the scrape, so that every replica tells the
// same. Names follow console.md 5.4; labels are tenants, stages and codes, never records.
type meter struct {
	core *Core

	pending, inflight, lag, findings, records, linked, dead, messages, requests, stopped, limit, left, breaker *prometheus.Desc
}

func newMeter(c *Core) *meter {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("mlc_"+name, help, labels, nil)
	}
	return &meter{core: c,
		pending:  d("stage_pending_messages", "Messages stored and not yet delivered to the stage.", "tenant", "stage"),
		inflight: d("stage_ack_pending_messages", "Messages delivered to the stage and not yet settled.", "tenant", "stage"),
		lag:      d("stage_lag_seconds", "Age of the oldest message that the stage has not settled.", "tenant", "stage"),
		findings: d("findings", "Open findings by reason code.", "tenant", "code"),
		records:  d("ledger_records", "Records in the ledger.", "tenant", "type"),
		linked:   d("linked_records", "Records with an object in the target, by state.", "tenant", "type", "state"),
		dead:     d("dead_letters", "Dead letters that nobody retried or dropped.", "tenant"),
		requests: d("ib_requests_total", "Answers of this process to Integration Broker since it started.", "tenant", "status", "code"),
		stopped:  d("writer_stopped", "1 while the tenant's writer stands still after a safety stop.", "tenant"),
		limit:    d("zendesk_limit_calls", "Calls a minute that the account allows, where this process writes it.", "tenant"),
		left:     d("zendesk_remaining_calls", "Calls of the account's minute that are left, where this process writes it.", "tenant"),
		breaker:  d("zendesk_breaker_open", "1 while the account is not asked, 0.5 while one record finds out, where this process writes it.", "tenant"),
		messages: d("stream_messages", "Messages in the stream.", "tenant", "stream"),
	}
}

// Describe implements prometheus.Collector.
func (m *meter) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector; what cannot be read is left out of this scrape.
func (m *meter) Collect(ch chan<- prometheus.Metric) {
	m.core.answers.each(func(a answered, n float64) {
		ch <- prometheus.MustNewConstMetric(m.requests, prometheus.CounterValue, n, string(a.tenant), strconv.Itoa(a.status), string(a.code))
	})
	m.core.accounts.each(func(t tenant.ID, b target.Budget, breaker string) {
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, string(t))
		}
		gauge(m.breaker, map[string]float64{"open": 1, "half-open": 0.5}[breaker])
		if b.PerMinute > 0 {
			gauge(m.limit, float64(b.PerMinute))
			gauge(m.left, float64(b.Remaining))
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ids, err := m.core.Store.TenantIDs(ctx)
	if err != nil {
		return
	}
	for _, t := range ids {
		m.tenant(ctx, t, func(d *prometheus.Desc, v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{string(t)}, labels...)...)
		})
	}
}

func (m *meter) tenant(ctx context.Context, t tenant.ID, gauge func(*prometheus.Desc, float64, ...string)) {
	if state, err := m.core.Bus.State(ctx, t); err == nil {
		for c, s := range state.Consumers {
			gauge(m.pending, float64(s.Pending), string(c))
			gauge(m.inflight, float64(s.InFlight), string(c))
			gauge(m.lag, s.OldestAge.Seconds(), string(c))
		}
		for name, s := range state.Streams {
			gauge(m.messages, float64(s.Messages), string(name))
		}
		dead := state.Streams[bus.Dead]
		if decided, err := m.core.Store.CountLetters(ctx, t, dead.First); err == nil {
			gauge(m.dead, max(float64(dead.Messages)-float64(decided), 0))
		}
	}
	if counts, err := m.core.Store.FindingCounts(ctx, t); err == nil {
		gauge(m.stopped, float64(counts[fault.SafetyStop]))
		for code, n := range counts {
			gauge(m.findings, float64(n), string(code))
		}
	}
	if counts, err := m.core.Store.CountLedger(ctx, t); err == nil {
		for kind, n := range counts {
			gauge(m.records, float64(n), string(kind))
		}
	}
	if counts, err := m.core.Store.CountLinks(ctx, t); err == nil {
		for kind, states := range counts {
			for state, n := range states {
				gauge(m.linked, float64(n), string(kind), state)
			}
		}
	}
}
