package zendesk

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// refusal turns a final answer outside 2xx into a fault (zendesk.md 4.5, failures.md 3.5).
func (c *client) refusal(k call, a answer) error {
	s := shapeOf(a)
	out := func(kind fault.Kind, code fault.Code, detail string) *fault.Error {
		return &fault.Error{Kind: kind, Code: code, Detail: strings.TrimSpace(statusText(a.Status) + " " + detail)}
	}
	switch {
	case tooManyJobs(a):
		e := out(fault.RateLimited, fault.TargetJobs, "too many jobs of the account are queued or running")
		e.After = retryAfter(a.Header, time.Now(), 3)
		return e
	case a.Status == http.StatusTooManyRequests:
		return out(fault.RateLimited, fault.TargetRate, "")
	case a.Status == http.StatusUnauthorized:
		return out(fault.Auth, fault.TargetAuth, s.code)
	case a.Status == http.StatusForbidden:
		return out(fault.Auth, fault.TargetForbidden, s.code)
	case a.Status == http.StatusNotFound && s.code == "RecordNotFound":
		return out(fault.Held, fault.TargetGone, "the object is not there")
	case a.Status == http.StatusNotFound:
		return out(fault.Config, fault.TargetNotFound, s.code)
	case a.Status == http.StatusConflict:
		return out(fault.Transient, fault.TargetConflict, s.code)
	case a.Status/100 == 3:
		return out(fault.Config, fault.TargetRedirect, "")
	case a.Status >= 500:
		e := out(fault.Transient, fault.TargetDown, s.code)
		e.Unknown = k.writes()
		e.Over = e.Unknown && ends(k, a.Status)
		return e
	}
	return invalid(s.dupes, strings.TrimSpace(statusText(a.Status)+" "+s.code+": "+s.text))
}

// ends tells whether a write that was answered with this status can have no effect later (zendesk.md 4.5: try again with
// backoff, look up first). Behind a 504 it may still run; a job may have been queued before the answer went wrong, but
// not by an account that is away.
func ends(k call, status int) bool {
	if strings.HasSuffix(k.path, "_many") {
		return status == http.StatusServiceUnavailable
	}
	return status != http.StatusGatewayTimeout
}

// invalid is the fault of a value that Zendesk refuses: an address or a name that is taken waits for a person or for
// the other record, anything else is a dead letter (failures.md Z12).
func invalid(dupes []string, detail string) *fault.Error {
	switch {
	case slices.Contains(dupes, "external_id"):
		return fault.New(fault.Conflict, fault.TargetConflict, detail)
	case slices.Contains(dupes, "email"), slices.Contains(dupes, "value"):
		return fault.New(fault.Held, fault.EmailTaken, detail)
	case slices.Contains(dupes, "name"):
		return fault.New(fault.Held, fault.OrgNameTaken, detail)
	}
	return fault.New(fault.Invalid, fault.TargetInvalid, detail)
}

// tooManyJobs recognises the refusal by its word, whatever the status (zendesk.md 3.4).
func tooManyJobs(a answer) bool {
	return a.Status/100 != 2 && a.Status < 500 && len(a.Body) < maxErrorBody && strings.Contains(string(a.Body), "TooManyJobs") && shapeOf(a).code == "TooManyJobs"
}
