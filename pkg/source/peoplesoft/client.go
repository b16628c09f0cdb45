package peoplesoft

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
)

// maxBody is the largest answer that is read (failures.md 5.4).
const maxBody = 64 << 20

func codes() httpx.Codes {
	return httpx.Codes{Timeout: fault.SourceTimeout, Unreachable: fault.SourceUnreachable, TLS: fault.SourceTLS,
		Redirect: fault.SourceRedirect, Truncated: fault.SourceTruncated, TooLarge: fault.SourcePartial}
}

// client is the only place that sees a status code.
type client struct {
	http *httpx.Client
	auth signer
}

// attempt is what one Read may still do about its sign-in: PeopleSoft locks accounts after a few refusals, so a Read
// signs in twice at the most (failures.md P12).
type attempt struct{ renewed bool }

// signer puts a credential on a request.
type signer interface {
	sign(ctx context.Context, req *http.Request) error
	// renew drops the credential that req carried; false when there is nothing to renew.
	renew(req *http.Request) bool
}

// get sends one request and returns a 2xx answer, or a fault.
func (c *client) get(ctx context.Context, try *attempt, address, accept string, headers map[string]string) (httpx.Response, error) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return httpx.Response{}, fault.New(fault.Config, fault.BadConfig, "base_url and node do not make a URL")
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
		req.Header.Set("Accept", accept)
		if err := c.auth.sign(ctx, req); err != nil {
			return httpx.Response{}, err
		}
		resp, err := c.http.Do(ctx, req)
		if err != nil {
			return httpx.Response{}, err
		}
		if resp.Status == http.StatusUnauthorized && !try.renewed && c.auth.renew(req) {
			try.renewed = true
			continue
		}
		return resp, status(resp)
	}
}

// redirectHost is where an answer wants to send us: the host only, a location may carry anything.
func redirectHost(r httpx.Response) string {
	u, err := url.Parse(r.Header.Get("Location"))
	if err != nil || u.Host == "" {
		return "another address"
	}
	return printable(u.Host)
}
