package app

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Check is one dependency that readiness asks for.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Health serves /livez, /readyz and /metrics. Readiness names each dependency and its state, and never an error text.
type Health struct {
	checks   []Check
	draining func() bool
	registry *prometheus.Registry
}

// NewHealth makes the health endpoints; draining ends readiness during shutdown and may be nil.
func NewHealth(draining func() bool, checks ...Check) *Health {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Health{checks, draining, r}
}

// Register adds a collector to /metrics.
func (h *Health) Register(c prometheus.Collector) error { return h.registry.Register(c) }

// Routes adds the endpoints to mux.
func (h *Health) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{}))
}

type readiness struct {
	Status string          `json:"status"`
	Checks []checkedStatus `json:"checks"`
}

type checkedStatus struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Code   string `json:"code,omitempty"`
}

func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	out := readiness{Status: "ready", Checks: make([]checkedStatus, 0, len(h.checks))}
	for _, c := range h.checks {
		s := checkedStatus{Name: c.Name, Status: "ok"}
		if err := c.Run(ctx); err != nil {
			s.Status, s.Code = "failed", string(fault.CodeOf(err))
		}
		out.Checks = append(out.Checks, s)
	}
	if h.draining != nil && h.draining() {
		out.Checks = append(out.Checks, checkedStatus{Name: "draining", Status: "failed"})
	}
	w.Header().Set("Content-Type", "application/json")
	if slices.ContainsFunc(out.Checks, func(s checkedStatus) bool { return s.Status != "ok" }) {
		out.Status = "not ready"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(out)
}
