package peoplesoft

import (
	"net/http"
	"net/url"
	"strings"
)

// Where a request goes; also the values of Fault.On.
const (
	onQuery   = "query"
	onREST    = "rest"
	onGateway = "gateway"
	onToken   = "token"
	onNothing = "nothing"
)

// route is an address, understood.
type route struct {
	on      string
	node    string
	service string   // ExecuteQuery.v1, ML_VENDORS_REST.v1, …
	rest    []string // the segments after it, decoded
}

// query is the query or service that a fault may name.
func (r route) query() string {
	if r.on == onQuery && len(r.rest) == 4 {
		return strings.ToUpper(r.rest[1])
	}
	return r.service
}

func (s *Sim) route(u *url.URL) route {
	if u.Path == s.opt.OAuth.Path && s.opt.OAuth.ClientID != "" {
		return route{on: onToken}
	}
	tail, ok := strings.CutPrefix(u.EscapedPath(), s.opt.Prefix+"/PSIGW/")
	if !ok {
		return route{on: onNothing}
	}
	parts := strings.Split(strings.TrimSuffix(tail, "/"), "/")
	for i := range parts {
		if text, err := url.PathUnescape(parts[i]); err == nil {
			parts[i] = text
		}
	}
	switch {
	case len(parts) == 1 && (parts[0] == "PeopleSoftListeningConnector" || parts[0] == "RESTListeningConnector" || parts[0] == "HttpListeningConnector"):
		return route{on: onGateway}
	case len(parts) < 2 || parts[0] != "RESTListeningConnector":
		return route{on: onNothing}
	}
	return s.operation(parts[1:])
}

// operation reads [node/]service/…; the node may be left out at some sites.
func (s *Sim) operation(parts []string) route {
	r := route{on: onREST}
	if !isService(parts[0]) {
		r.node, parts = parts[0], parts[1:]
	} else if !s.opt.NodeOptional {
		return route{on: onNothing}
	}
	if len(parts) == 0 {
		return route{on: onNothing}
	}
	r.service, r.rest = parts[0], parts[1:]
	if strings.EqualFold(r.service, "ExecuteQuery.v1") {
		r.on = onQuery
	}
	return r
}

func isService(segment string) bool { return strings.HasSuffix(strings.ToLower(segment), ".v1") }

// serves tells whether a node answers a query about people or vendors.
func (s *Sim) serves(node string, people bool) bool {
	if node == "" {
		return s.opt.NodeOptional
	}
	if people {
		return node == s.opt.Node
	}
	return node == s.opt.VendorNode
}

// ServeHTTP answers as the gateway, the query service, the identity provider and, under /_sim/, as the
// simulator itself.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.control(w, r)
		return
	}
	to := s.route(r.URL)
	hit := s.hits(to.on, to.query())
	a, replaced := hit.replaced()
	if !replaced {
		a = s.answer(r, to, hit)
	}
	s.log.add(s.entry(r, to, a, hit))
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	deliver(w, r, a, hit)
}

// answer is the real answer to a request.
func (s *Sim) answer(r *http.Request, to route, hit script) answer {
	switch to.on {
	case onNothing:
		return notFound()
	case onToken:
		return s.issue(r)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return page(http.StatusMethodNotAllowed, "Error 405--Method Not Allowed", "GET only.")
	}
	if to.on == onGateway {
		return gatewayPage()
	}
	if to.node != s.opt.Node && to.node != s.opt.VendorNode && (to.node != "" || !s.opt.NodeOptional) {
		return notFound()
	}
	if bad, ok := s.admit(r); !ok {
		return bad
	}
	if to.on == onQuery {
		return s.execute(r, to, hit)
	}
	return s.generic(r, to, hit)
}
