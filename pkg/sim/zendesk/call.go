package zendesk

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through the simulator.
type call struct {
	r      *http.Request
	route  string // "PUT /api/v2/users/{id}"
	id     string // X-Request-Id
	now    time.Time
	body   []byte
	who    *grant // nil = anonymous
	fault  *Fault // nil = none
	header http.Header
}

// reply is an answer before it is written: body is raw bytes when it is []byte, else a value to encode.
type reply struct {
	status int
	body   any
	plain  string // content type of raw bytes
	header http.Header
}

func ok(body any) reply      { return reply{status: http.StatusOK, body: body} }
func created(body any) reply { return reply{status: http.StatusCreated, body: body} }

// obj is a JSON object whose keys need no order.
type obj = map[string]any

// fields is a JSON object of a request whose absent, null and set keys must stay apart.
type fields map[string]json.RawMessage

func (c *call) query(key string) string { return c.r.URL.Query().Get(key) }

func (c *call) pathID() (int64, bool) {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	return id, err == nil
}

// decode reads the body; numbers in untyped places stay exact.
func (c *call) decode(v any) error {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.UseNumber()
	return d.Decode(v)
}

// object reads {"key":{…}}.
func (c *call) object(key string) (fields, *reply) {
	var envelope map[string]json.RawMessage
	if err := c.decode(&envelope); err != nil {
		return nil, badJSON()
	}
	var f fields
	if json.Unmarshal(envelope[key], &f) != nil || f == nil {
		return nil, badAttribute(key, "an object")
	}
	return f, nil
}

// list reads a comma-separated query parameter.
func (c *call) list(key string) []string {
	var out []string
	for part := range strings.SplitSeq(c.query(key), ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (c *call) cause(verb string) cause {
	return cause{request: c.id, at: c.now.Truncate(time.Second), verb: verb, lose: c.fault != nil && c.fault.Lose}
}

func numbers(texts []string) []int64 {
	var out []int64
	for _, t := range texts {
		if n, err := strconv.ParseInt(t, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// encode writes JSON as Zendesk does: no HTML escapes, no trailing newline.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte(`{"error":"SimulatorBug","description":` + strconv.Quote(err.Error()) + `}`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
