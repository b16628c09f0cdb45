// Package web is the first page of the operator console: what runs, what waits, what is wrong, why, and what heals it.
// It is rendered on the server, works without scripts, and shows counts and reason codes only: no person's data, so
// that it needs no sign-in on the operators' address.
package web

import (
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

//go:embed overview.gohtml result.gohtml console.css
var files embed.FS

// Status is what the page needs of the system.
type Status interface {
	TenantIDs(ctx context.Context) ([]tenant.ID, error)
	Status(ctx context.Context, ids []tenant.ID) (adminapi.Status, error)
}

// Pages serves the console.
type Pages struct {
	status Status
	result *template.Template
	log    *slog.Logger
	page   *template.Template
}

// New makes the pages.
func New(s Status, log *slog.Logger) *Pages {
	funcs := template.FuncMap{"clock": clock, "word": word, "outside": outside, "ptr": func(t time.Time) *time.Time { return &t }}
	return &Pages{s, result(), log.With("component", "console"), template.Must(template.New("overview.gohtml").Funcs(funcs).ParseFS(files, "overview.gohtml"))}
}

// Routes adds the pages to mux.
func (p *Pages) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.overview)
	if c, ok := p.status.(Consents); ok {
		p.consentRoutes(mux, c)
	}
	mux.HandleFunc("GET /console.css", func(w http.ResponseWriter, r *http.Request) {
		guard(w)
		http.ServeFileFS(w, r, files, "console.css")
	})
}

// guard sets the headers of every answer (failures.md 5.7).
func guard(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

type view struct {
	adminapi.Status
	At      time.Time
	Problem string
}

func (p *Pages) overview(w http.ResponseWriter, r *http.Request) {
	guard(w)
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	v := view{At: time.Now()}
	ids, err := p.status.TenantIDs(ctx)
	if err == nil {
		v.Status, err = p.status.Status(ctx, ids)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err != nil {
		p.log.Warn("page without status", "err", err)
		v.Problem = "The store or the broker does not answer. Nothing is lost; look at /readyz and at the log of this process."
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	allowForms(w, v.Tenants)
	if err := p.page.Execute(w, v); err != nil {
		p.log.Debug("page not sent", "err", err)
	}
}

func clock(t *time.Time) string {
	if t == nil {
		return "running"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// outside tells whether PeopleSoft or Zendesk does not do what it should.
func outside(problems []adminapi.Problem) bool {
	return slices.ContainsFunc(problems, func(p adminapi.Problem) bool {
		return strings.HasPrefix(p.Where, "peoplesoft.") || p.Where == "zendesk"
	})
}

// word says in one word how a tenant is.
func word(s adminapi.TenantStatus) string {
	switch {
	case len(s.Problems) > 0:
		return "needs you"
	case s.Quiet:
		return "quiet"
	}
	return "working"
}
