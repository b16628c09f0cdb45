package httpx

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// RoundTrip lets libraries that want an *http.Client (x/oauth2) go through the same guards. Give that client a
// CheckRedirect that returns http.ErrUseLastResponse. The body of the answer is complete and in memory.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := c.Do(req.Context(), req)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: strconv.Itoa(r.Status) + " " + http.StatusText(r.Status), StatusCode: r.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.Header, Body: io.NopCloser(bytes.NewReader(r.Body)), ContentLength: int64(len(r.Body)), Request: req,
	}, nil
}
