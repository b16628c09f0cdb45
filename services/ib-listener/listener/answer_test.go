package listener_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

var errDown = fault.New(fault.Transient, fault.BrokerDown, "connection is closed")

// TestAnswers is the table of failures.md 2.2 over every way through the handler.
func TestAnswers(t *testing.T) {
	hire := letter{Name: "PERSON_BASIC_SYNC", Tx: "1", Keys: []string{"0001"}}
	node := letter{Name: "PERSON_BASIC_SYNC", Tx: "1", Keys: []string{"0001"}, NodePassword: "node"}
	ut := letter{Name: "PERSON_BASIC_SYNC", Tx: "1", Keys: []string{"0001"}, User: "psft", Password: "right"}
	ping := func(method string) func(*house) *http.Response {
		return func(x *house) *http.Response { return x.send(method, "/ib/acme", "", stranger) }
	}
	post := func(l letter, change ...func(*http.Request)) func(*house) *http.Response {
		return func(x *house) *http.Response { return x.post(l, change...) }
	}
	send := func(method, path string, change ...func(*http.Request)) func(*house) *http.Response {
		return func(x *house) *http.Response {
			return x.send(method, path, `{"From":"PSFT_HR","Keys":["1"]}`, change...)
		}
	}
	down := func(x *house) { x.bus.fail = errDown }
	for name, c := range map[string]struct {
		given  func(*house)
		do     func(*house) *http.Response
		status int
		facts  int
		audit  audit.Outcome
		dead   fault.Code
	}{
		"a message is stored":                               {do: post(hire), status: 200, facts: 1, audit: audit.Received},
		"the node's name has no case":                       {do: post(letter{Tx: "1", From: "psft_hr", Keys: []string{"1"}}), status: 200, facts: 1, audit: audit.Received},
		"GET is a ping without credentials":                 {do: ping("GET"), status: 200},
		"HEAD is a ping without credentials":                {do: ping("HEAD"), status: 200},
		"a GET to a tenant that is not there tells nothing": {do: send("GET", "/ib/other"), status: 200},
		"GET while the broker is down":                      {given: down, do: ping("GET"), status: 503},
		"HEAD while the broker is down":                     {given: down, do: ping("HEAD"), status: 503},
		"GET before the settings were read":                 {given: starting, do: ping("GET"), status: 503},
		"GET while draining":                                {given: drain, do: ping("GET"), status: 503},
		"a ping by POST and transaction":                    {do: post(letter{}, stranger, header("Transactionid", "PING_NODE")), status: 200},
		"a ping by POST and operation type":                 {do: post(letter{}, stranger, header("Operationtype", "Ping")), status: 200},
		"a ping by POST and body, not signed in":            {do: post(letter{Ping: true}, stranger), status: 200},
		"a ping by POST and body, signed in":                {do: post(letter{Ping: true}), status: 200},
		"a ping by POST while the broker is down":           {given: down, do: post(letter{Ping: true}), status: 503},
		"no credential":                                     {do: post(hire, stranger), status: 401},
		"a wrong password":                                  {do: post(hire, basic("psft", "wrong")), status: 401},
		"a wrong user":                                      {do: post(hire, basic("other", "right")), status: 401},
		"an empty password":                                 {do: post(hire, basic("psft", "")), status: 401},
		"a tenant that is not there":                        {do: send("POST", "/ib/other"), status: 401},
		"a tenant that is not there, not signed in":         {do: send("POST", "/ib/other", stranger), status: 401},
		"a user name token":                                 {do: post(ut, stranger), status: 200, facts: 1, audit: audit.Received},
		"a node password where none is set":                 {do: post(node, stranger), status: 401},
		"a node password":                                   {given: nodePassword, do: post(node, stranger), status: 200, facts: 1, audit: audit.Received},
		"a wrong node password":                             {given: nodePassword, do: post(letter{NodePassword: "nod"}, stranger), status: 401},
		"a secret header":                                   {given: secretHeader, do: post(hire, stranger, header("X-Ml-Key", "key")), status: 200, facts: 1, audit: audit.Received},
		"a wrong secret header":                             {given: secretHeader, do: post(hire, stranger, header("X-Ml-Key", "kez")), status: 401},
		"another address":                                   {given: farAway, do: post(hire), status: 403},
		"a node that may not send":                          {do: post(letter{From: "OTHER", Tx: "1", Keys: []string{"1"}}), status: 403},
		"no node":                                           {do: post(letter{From: " ", Tx: "1", Keys: []string{"1"}}), status: 403},
		"a node that may not send, nonsense":                {do: nonsense(header("From", "OTHER")), status: 403},
		"another path":                                      {do: send("POST", "/"), status: 403},
		"another path, GET":                                 {do: send("GET", "/favicon.ico"), status: 403},
		"a path without tenant":                             {do: send("POST", "/ib/"), status: 403},
		"a path behind the tenant":                          {do: send("POST", "/ib/acme/x"), status: 403},
		"a slash behind the tenant":                         {do: send("POST", "/ib/acme/"), status: 403},
		"two slashes":                                       {do: send("POST", "//ib/acme"), status: 403},
		"an escaped slash":                                  {do: send("POST", "/ib/a%2f..%2facme"), status: 403},
		"dots":                                              {do: send("POST", "/ib/../ib/acme"), status: 403},
		"a zero byte":                                       {do: send("POST", "/ib/acme%00"), status: 403},
		"capitals":                                          {do: send("POST", "/IB/acme"), status: 403},
		"PUT":                                               {do: send("PUT", "/ib/acme"), status: 405},
		"OPTIONS":                                           {do: send("OPTIONS", "/ib/acme"), status: 405},
		"PATCH to another path":                             {do: send("PATCH", "/x"), status: 403},
		"a picture":                                         {do: post(hire, header("Content-Type", "image/png")), status: 415},
		"a form with files":                                 {do: post(hire, header("Content-Type", "multipart/form-data; boundary=x")), status: 415},
		"brotli":                                            {do: post(hire, header("Content-Encoding", "br")), status: 415},
		"gzip is the opener's business":                     {do: post(hire, header("Content-Encoding", "gzip")), status: 200, facts: 1, audit: audit.Received},
		"no media type":                                     {do: post(hire, header("Content-Type", "")), status: 200, facts: 1, audit: audit.Received},
		"too large":                                         {given: small, do: post(letter{Name: strings.Repeat("x", 2000)}), status: 413},
		"too large and not signed in":                       {given: small, do: post(letter{Name: strings.Repeat("x", 2<<20)}, stranger), status: 401},
		"too large in chunks":                               {given: small, do: post(letter{Name: strings.Repeat("x", 2000)}, chunked), status: 413},
		"a door that is shut":                               {given: func(x *house) { x.door.Shut = true }, do: post(hire), status: 503},
		"a door that is shut, a stranger":                   {given: func(x *house) { x.door.Shut = true }, do: post(hire, stranger), status: 503},
		"before the settings were read":                     {given: starting, do: post(hire), status: 503},
		"while draining":                                    {given: drain, do: post(hire), status: 503},
		"while the broker is down":                          {given: down, do: post(hire), status: 503},
		"while the audit stream is full":                    {given: fails(bus.Audit), do: post(hire), status: 503, facts: 1},
		"while the dead letter stream is full":              {given: fails(bus.Dead), do: nonsense(), status: 503},
		"nonsense":                                          {do: nonsense(), status: 200, dead: fault.SourceNotData, audit: audit.Dead},
		"nonsense at a strict door":                         {given: strict, do: nonsense(), status: 400, dead: fault.SourceNotData, audit: audit.Dead},
		"content that is not usable":                        {do: post(letter{Tx: "1", Keys: []string{"1"}, Fail: "each invalid"}), status: 200, dead: fault.SourceNotData, audit: audit.Dead},
		"an envelope that is cut":                           {do: post(letter{Tx: "1", Fail: "open cut"}), status: 503},
		"content that is cut":                               {do: post(letter{Tx: "1", Keys: []string{"1"}, Fail: "each cut"}), status: 503},
		"a message without rows":                            {do: post(letter{Tx: "1"}), status: 200, dead: fault.SourceNotData, audit: audit.Dead},
		"a message whose rows are all bad":                  {do: post(letter{Tx: "1", Ignored: 1, Notes: []source.Note{{Code: "SRC_SCHEMA", Detail: "no EMPLID"}}}), status: 200, dead: fault.SourceSchema, audit: audit.Dead},
		"a message of original values":                      {do: post(letter{Tx: "1", Ignored: 2}), status: 200, audit: audit.Received},
		"the header of a full sync":                         {do: post(letter{Tx: "1", Header: true}), status: 200, audit: audit.Started},
		"the trailer of a full sync":                        {do: post(letter{Tx: "1", Trailer: true}), status: 200, audit: audit.Finished},
		"an opener that panics":                             {do: post(letter{Tx: "1", Fail: "open panic"}), status: 503},
		"content that panics":                               {do: post(letter{Tx: "1", Keys: []string{"1"}, Fail: "each panic"}), status: 503},
		"a panic for a stranger":                            {do: post(letter{Fail: "open panic"}, stranger), status: 503},
		"one record that no event holds":                    {do: post(letter{Tx: "1", Keys: []string{"1"}, Large: 1 << 20}), status: 200, dead: fault.TooLarge, audit: audit.Dead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newHouse(t, listener.Options{})
			if c.given != nil {
				c.given(x)
			}
			if got := c.do(x); got.StatusCode != c.status {
				t.Fatalf("status %d, want %d", got.StatusCode, c.status)
			}
			if got := len(x.bus.keys()); got != c.facts {
				t.Errorf("%d facts, want %d", got, c.facts)
			}
			if (c.audit == "") != (len(x.bus.audit) == 0) || c.audit != "" && x.bus.audit[0].Outcome != c.audit {
				t.Errorf("audit %+v, want %s", x.bus.audit, c.audit)
			}
			if (c.dead == "") != (len(x.bus.dead) == 0) || c.dead != "" && x.bus.dead[0].Code != c.dead {
				t.Errorf("dead letters %+v, want %s", x.bus.dead, c.dead)
			}
		})
	}
}

func starting(x *house) {
	doors := &listener.Doors{}
	x.srv.Config.Handler = listener.New(doors, x.bus, seal, listener.Options{Form: form})
}

func drain(x *house)        { x.h.Drain() }
func strict(x *house)       { x.door.Strict = true }
func small(x *house)        { x.door.MaxBody = 1000 }
func nodePassword(x *house) { x.door.Access.NodePassword = secret.New("node") }
func secretHeader(x *house) {
	x.door.Access = listener.Access{Header: &listener.Header{Name: "X-ML-Key", Value: secret.New("key")}}
}
func farAway(x *house) { x.door.Access.Sources = prefixes("203.0.113.0/24") }

func fails(s bus.Stream) func(*house) {
	return func(x *house) { x.bus.fail, x.bus.failing = errDown, s }
}

func nonsense(change ...func(*http.Request)) func(*house) *http.Response {
	return func(x *house) *http.Response { return x.send("POST", "/ib/acme", "<not json", change...) }
}

func chunked(r *http.Request) { r.ContentLength = -1 }
