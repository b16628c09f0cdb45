package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Consents is what the pages need beside Status where tenants are connected to Zendesk by consent.
type Consents interface {
	// Connect begins a consent; the person's browser is sent to the answer's URL.
	Connect(ctx context.Context, t tenant.ID, actor string) (adminapi.Connecting, error)
	// Returned ends it with what Zendesk sent along, and tells whose it was. Errors hold nothing of what was sent.
	Returned(ctx context.Context, q url.Values) (tenant.ID, error)
}

// outcome is what the page says at the end of a consent.
type outcome struct {
	Good                bool
	Title, Detail, Next string
}

// consentTime is how long Zendesk may take to change a code into tokens.
const consentTime = 2 * time.Minute

func result() *template.Template {
	return template.Must(template.New("result.gohtml").ParseFS(files, "result.gohtml"))
}

// consentRoutes adds the way to Zendesk and the way back. The way there changes state, and is a POST of these pages'
// own form; the way back is a GET by its nature, and is good for nothing without the state of an open consent.
func (p *Pages) consentRoutes(mux *http.ServeMux, c Consents) {
	begin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.begin(w, r, c) })
	mux.Handle("POST /connect/{tenant}", http.NewCrossOriginProtection().Handler(begin))
	mux.HandleFunc("GET "+adminapi.CallbackPath, func(w http.ResponseWriter, r *http.Request) { p.back(w, r, c) })
}

func (p *Pages) begin(w http.ResponseWriter, r *http.Request, c Consents) {
	guard(w)
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	t, err := tenant.Parse(r.PathValue("tenant"))
	if err != nil {
		p.tell(w, http.StatusNotFound, outcome{Title: "There is no such tenant"})
		return
	}
	ask, err := c.Connect(ctx, t, "console")
	if err != nil {
		p.refuse(w, "The Zendesk account cannot be connected", err)
		return
	}
	w.Header().Set("Location", ask.URL)
	w.WriteHeader(http.StatusSeeOther)
}

func (p *Pages) back(w http.ResponseWriter, r *http.Request, c Consents) {
	guard(w)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), consentTime)
	defer cancel()
	t, err := c.Returned(ctx, r.URL.Query())
	if err != nil {
		p.refuse(w, "The Zendesk account was not connected", err)
		return
	}
	p.tell(w, http.StatusOK, outcome{Good: true, Title: "Connected", Detail: "The Zendesk account of " + string(t) + " is connected. What waited is written now."})
}

// refuse shows what went wrong in the words of the fault; other errors are told without their text.
func (p *Pages) refuse(w http.ResponseWriter, title string, err error) {
	p.log.Warn("consent of no use", "fault", fault.CodeOf(err), "detail", words(err))
	status := http.StatusBadRequest
	if k := fault.KindOf(err); k == fault.Transient || k == fault.RateLimited || k == fault.Internal {
		status = http.StatusServiceUnavailable
	}
	p.tell(w, status, outcome{Title: title, Detail: string(fault.CodeOf(err)) + ": " + words(err), Next: fault.NextOf(err)})
}

func words(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Detail != "" {
		return f.Detail
	}
	return "it did not work; see the log of this process"
}

func (p *Pages) tell(w http.ResponseWriter, status int, o outcome) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := p.result.Execute(w, o); err != nil {
		p.log.Debug("page not sent", "err", err)
	}
}

// allowForms lets the page post its own forms, whose answer leads to the tenants' own accounts.
func allowForms(w http.ResponseWriter, list []adminapi.TenantStatus) {
	var accounts []string
	for _, t := range list {
		if c := t.Connection; c != nil && c.Method == "authorization_code" {
			if u, err := url.Parse(c.Account); err == nil && !strings.ContainsAny(u.Host, "; ,") {
				accounts = append(accounts, u.Scheme+"://"+u.Host)
			}
		}
	}
	if len(accounts) == 0 {
		return
	}
	slices.Sort(accounts)
	policy := w.Header().Get("Content-Security-Policy")
	w.Header().Set("Content-Security-Policy", strings.Replace(policy, "form-action 'none'", "form-action 'self' "+strings.Join(slices.Compact(accounts), " "), 1))
}
