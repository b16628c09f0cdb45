package peoplesoft

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/guard"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
)

// status judges the status code; nil for 2xx with a body to look into (peoplesoft.md 3.6).
func status(r httpx.Response) error {
	at := "HTTP " + strconv.Itoa(r.Status)
	switch {
	case r.Status == http.StatusOK:
		return nil
	case r.Status == http.StatusUnauthorized:
		return fault.New(fault.Auth, fault.SourceAuth, at+said(r))
	case r.Status == http.StatusForbidden:
		return fault.New(fault.Auth, fault.SourceForbidden, at+said(r))
	case r.Status == http.StatusNotFound:
		return fault.New(fault.Config, fault.SourceNotFound, at+said(r))
	case r.Status >= 300 && r.Status < 400:
		return fault.New(fault.Config, fault.SourceRedirect, at+" to "+redirectHost(r))
	case r.Status == http.StatusTooManyRequests:
		return &fault.Error{Kind: fault.RateLimited, Code: fault.SourceDown, Detail: at, After: retryAfter(r)}
	case r.Status == http.StatusRequestTimeout:
		return fault.New(fault.Transient, fault.SourceTimeout, at)
	case r.Status >= 500:
		return serverError(at, r)
	case r.Status >= 400:
		return fault.New(fault.Config, fault.SourceFault, at+said(r))
	}
	return fault.New(fault.Transient, fault.SourceNotData, at+" in place of data")
}

// serverError: the gateway wraps logical errors and refused passwords in a 500 as well.
func serverError(at string, r httpx.Response) error {
	m := spoken(r)
	switch {
	case badSignIn.MatchString(m):
		return fault.New(fault.Auth, fault.SourceAuth, at+said(r))
	case r.Status == http.StatusInternalServerError && m != "":
		return fault.New(fault.Transient, fault.SourceFault, at+said(r))
	}
	return fault.New(fault.Transient, fault.SourceDown, at)
}

// said is PeopleSoft's own message in an error answer, as a tail for a detail.
func said(r httpx.Response) string {
	if m := printable(spoken(r)); m != "" {
		return ": PeopleSoft says: " + m
	}
	return ""
}

// spoken finds the message of an Integration Broker error document; web server pages say nothing to an operator.
func spoken(r httpx.Response) string {
	b := body{data: r.Body}
	if len(r.Body) == 0 || len(r.Body) > 64<<10 {
		return ""
	}
	switch r.Body[firstByte(r.Body)] {
	case '<':
		if page.MatchString(strings.ToLower(string(r.Body[:min(len(r.Body), 2048)]))) {
			return ""
		}
		root, err := guard.XML(r.Body, "", guard.Default())
		if err != nil {
			return ""
		}
		text, _ := xmlComplaint(root)
		return text
	case '{':
		if root, err := jsonRoot(b); err == nil {
			return message(root, 0)
		}
	}
	return ""
}

// retryAfter reads seconds or an HTTP date relative to the answer's own Date; at most an hour is believed.
func retryAfter(r httpx.Response) time.Duration {
	text := strings.TrimSpace(r.Header.Get("Retry-After"))
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(n, 0), 3600)) * time.Second
	}
	at, err := http.ParseTime(text)
	now, err2 := http.ParseTime(r.Header.Get("Date"))
	if err != nil || err2 != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), time.Hour)
}
