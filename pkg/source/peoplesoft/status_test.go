package peoplesoft

import (
	"net/http"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func TestStatusCodes(t *testing.T) {
	broker := `<?xml version="1.0"?><IBResponse type="error"><DefaultMessage><![CDATA[<b>No</b> such (228,30)]]></DefaultMessage></IBResponse>`
	cases := map[string]struct {
		status int
		header http.Header
		body   string
		code   fault.Code
		kind   fault.Kind
		detail string
		after  time.Duration
	}{
		"200":                            {status: 200},
		"204 is not data":                {204, nil, "", fault.SourceNotData, fault.Transient, "HTTP 204 in place of data", 0},
		"400 with a message":             {400, nil, broker, fault.SourceFault, fault.Config, "HTTP 400: PeopleSoft says: No such (228,30)", 0},
		"404 with a JSON message":        {404, nil, `{"status":"error","message":"no query"}`, fault.SourceNotFound, fault.Config, "HTTP 404: PeopleSoft says: no query", 0},
		"404 with a page":                {404, nil, `<html>secret banner</html>`, fault.SourceNotFound, fault.Config, "HTTP 404", 0},
		"405":                            {405, nil, "x", fault.SourceFault, fault.Config, "HTTP 405", 0},
		"408":                            {408, nil, "", fault.SourceTimeout, fault.Transient, "HTTP 408", 0},
		"429 with seconds":               {429, http.Header{"Retry-After": {"90"}}, "", fault.SourceDown, fault.RateLimited, "HTTP 429", 90 * time.Second},
		"429 for ever":                   {429, http.Header{"Retry-After": {"999999999999"}}, "", fault.SourceDown, fault.RateLimited, "HTTP 429", time.Hour},
		"429 until a date":               {429, http.Header{"Retry-After": {"Mon, 02 Mar 2026 08:01:00 GMT"}, "Date": {"Mon, 02 Mar 2026 08:00:00 GMT"}}, "", fault.SourceDown, fault.RateLimited, "HTTP 429", time.Minute},
		"500 with a message":             {500, nil, broker, fault.SourceFault, fault.Transient, "HTTP 500: PeopleSoft says: No such (228,30)", 0},
		"500 with a refused password":    {500, nil, `<IBResponse type="error"><DefaultMessage>User password failed. (158, 45)</DefaultMessage></IBResponse>`, fault.SourceAuth, fault.Auth, "HTTP 500: PeopleSoft says: User password failed. (158, 45)", 0},
		"500 with a page":                {500, nil, `<html>stack trace</html>`, fault.SourceDown, fault.Transient, "HTTP 500", 0},
		"502 with a message is down too": {502, nil, broker, fault.SourceDown, fault.Transient, "HTTP 502", 0},
		"308 to a host":                  {308, http.Header{"Location": {"https://u:p@other.example/x?token=1"}}, "", fault.SourceRedirect, fault.Config, "HTTP 308 to other.example", 0},
		"302 to a path":                  {302, http.Header{"Location": {"/signon"}}, "", fault.SourceRedirect, fault.Config, "HTTP 302 to another address", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := status(httpx.Response{Status: tc.status, Header: tc.header, Body: []byte(tc.body)})
			if tc.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if fault.CodeOf(err) != tc.code || fault.KindOf(err) != tc.kind || err.Error() != string(tc.code)+" "+tc.detail || fault.AfterOf(err) != tc.after {
				t.Errorf("got %v (%s, after %s)", err, fault.KindOf(err), fault.AfterOf(err))
			}
		})
	}
}

func TestAnswersOfCustomServices(t *testing.T) {
	g := Generic{URL: "/x", Rows: "data.items", Fields: map[string]string{"id.value": "VENDOR_ID", "set": "SETID", "name": "NAME1"}}
	cases := map[string]struct {
		data string
		rows int
		code fault.Code
	}{
		"rows at a path, nested fields": {`{"data":{"items":[{"id":{"value":"0000000011"},"set":"SHARE","name":"4 Star","tags":["x"]}],"count":1}}`, 1, ""},
		"no rows":                       {`{"data":{"items":[]}}`, 0, ""},
		"nothing at the path":           {`{"data":{}}`, 0, fault.SourceNotData},
		"a list on the way":             {`{"data":[]}`, 0, fault.SourceNotData},
		"an error":                      {`{"status":"ERROR","message":"no"}`, 0, fault.SourceFault},
		"an error document":             {`<IBResponse type="error"/>`, 0, fault.SourceFault},
		"XML":                           {`<rows/>`, 0, fault.SourceNotData},
		"a cut":                         {`{"data":{"items":[{"id":`, 0, fault.SourceTruncated},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := g.reading(record.Vendor, "https://x.example", "N", time.UTC)
			table, err := r.understand(answered("application/json", tc.data))
			if (err != nil || tc.code != "") && fault.CodeOf(err) != tc.code || len(table.rows) != tc.rows {
				t.Fatalf("%d rows, %v", len(table.rows), err)
			}
			if tc.rows == 0 {
				return
			}
			if lines, _, err := r.lines(table); err != nil || lines[0].key != "SHARE/0000000011" || lines[0].row["NAME1"] != "4 Star" {
				t.Errorf("%+v, %v", lines, err)
			}
		})
	}
}
