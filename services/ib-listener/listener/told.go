package listener

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// told is what a delivery said about its body outside of it: names in lower case, each with its values as they came.
type told struct {
	Header map[string][]string `json:"header,omitempty"`
	Query  map[string][]string `json:"query,omitempty"`
}

// maxTold bounds a value that is kept; the longest real ones are media types with a boundary.
const maxTold = 512

// opens lists the headers and parameters that decide how a body is opened (peoplesoft.md 1.2). Those that prove the
// sender are not among them: they are secrets.
func opens(name string) bool {
	return slices.Contains([]string{"externaloperationname", "operationname", "messagename", "operationtype", "messagetype", "soapaction", "from", "requestingnode", "to",
		"transactionid", "externalmessageid", "datachunk", "datachunkcount", "content-type", "content-encoding"}, name)
}

func tell(r *http.Request) told { return told{pick(r.Header), pick(r.URL.Query())} }

func pick(from map[string][]string) map[string][]string {
	out := map[string][]string{}
	for name, values := range from {
		if name = strings.ToLower(strings.TrimSpace(name)); !opens(name) {
			continue
		}
		for _, v := range values {
			if len(v) <= maxTold {
				out[name] = append(out[name], strings.ToValidUTF8(v, "?"))
			}
		}
	}
	return out
}

// onto puts back what was told.
func (t told) onto(r *http.Request) {
	for name, values := range t.Header {
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
	r.URL.RawQuery = url.Values(t.Query).Encode()
}
