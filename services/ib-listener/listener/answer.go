package listener

import (
	"net/http"
	"strconv"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// answer is how a request ends. The zero status writes nothing.
type answer struct {
	status int
	code   fault.Code // for the count and the log
	detail string     // shown to the sender: no secret, no personal value
	form   func(ok bool, detail string) (contentType string, body []byte)
}

// again is the answer for everything that may heal: PeopleSoft sends again.
func again(code fault.Code, detail string) answer {
	return answer{status: http.StatusServiceUnavailable, code: code, detail: detail}
}

// refuse is an answer that makes PeopleSoft's contract an error, which a person must look at.
func refuse(status int, detail string) answer { return answer{status: status, detail: detail} }

// stranger is the one answer to a wrong credential, a missing one, and a tenant that is not there.
func stranger() answer { return refuse(http.StatusUnauthorized, "not signed in") }

// write writes the answer. Everything but success ends the connection: what is left of the body is not read.
func (h *Handler) write(w http.ResponseWriter, r *http.Request, a answer) {
	form := a.form
	if form == nil {
		form = h.opt.Form
	}
	kind, body := form(a.status < 300, a.detail)
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Length", strconv.Itoa(len(body)))
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	switch a.status {
	case http.StatusServiceUnavailable:
		head.Set("Retry-After", "5")
	case http.StatusUnauthorized:
		head.Set("WWW-Authenticate", `Basic realm="ml-connector", charset="UTF-8"`)
	case http.StatusMethodNotAllowed:
		head.Set("Allow", "GET, HEAD, POST")
	}
	if a.status >= 300 {
		head.Set("Connection", "close")
	}
	w.WriteHeader(a.status)
	crash.Point("ib.mid_reply")
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// plain is the form of answers when nobody gives another one.
func plain(ok bool, detail string) (contentType string, body []byte) {
	if ok {
		return "text/plain; charset=utf-8", []byte("ok\n")
	}
	return "text/plain; charset=utf-8", []byte(detail + "\n")
}
