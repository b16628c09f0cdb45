package listener

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// unprovenBody is how much is read from a sender that headers and connection do not prove: the body may still be a
// ping, or hold the node password.
const unprovenBody = 1 << 20

// post takes a delivery: prove the sender, read the body to its end, open it, take it.
func (h *Handler) post(w http.ResponseWriter, r *http.Request, name tenant.ID) (tenant.ID, answer) {
	if pinged(r.Header) {
		return "", h.ping(r.Context())
	}
	if h.draining.Load() || !h.doors.known() {
		return "", again("", "not ready")
	}
	door := h.doors.door(name)
	if door == nil {
		door = &h.closed
	}
	if door.Shut {
		return "", again("", "not ready")
	}
	if !door.Access.request(r) {
		return h.unknown(w, r, door)
	}
	if a, ok := h.admissible(r, door); !ok {
		return door.Tenant, a
	}
	desk := h.desk(door.Tenant)
	release, ok := slot(desk.slots)
	if !ok {
		return door.Tenant, again("", "too many deliveries at once")
	}
	defer release()
	b, err := h.read(w, r, &h.memory, orElse(door.MaxBody, DefaultMaxBody))
	defer b.release()
	if err != nil {
		return door.Tenant, unread(err)
	}
	m, err := door.open(r, b.bytes)
	if err == nil && m.Ping {
		return door.Tenant, h.ping(r.Context()).in(m)
	}
	return door.Tenant, h.receive(r, door, desk, b.bytes, m, err)
}

// unknown goes on with a sender that headers and connection do not prove. Whatever is wrong, the answer is the same
// for a tenant that is there and for one that is not.
func (h *Handler) unknown(w http.ResponseWriter, r *http.Request, door *Door) (tenant.ID, answer) {
	release, ok := slot(h.unproven)
	if !ok {
		return "", again("", "too many requests at once")
	}
	defer release()
	limit := int64(unprovenBody)
	if door.Access.NodePassword.IsSet() {
		limit = orElse(door.MaxBody, DefaultMaxBody)
	}
	b, err := h.read(w, r, &h.spare, limit)
	defer b.release()
	switch {
	case errors.Is(err, errTooLarge):
		return "", stranger()
	case err != nil:
		return "", unread(err)
	}
	m, err := door.open(r, b.bytes)
	if err == nil && m.Ping {
		return "", h.ping(r.Context()).in(m)
	}
	if err != nil && fault.KindOf(err) == fault.Internal {
		return "", again(fault.CodeOf(err), "internal error")
	}
	if err != nil || !door.Access.body(m) {
		return "", stranger()
	}
	if a, ok := h.admissible(r, door); !ok {
		return door.Tenant, a
	}
	desk := h.desk(door.Tenant)
	free, ok := slot(desk.slots)
	if !ok {
		return door.Tenant, again("", "too many deliveries at once")
	}
	defer free()
	return door.Tenant, h.receive(r, door, desk, b.bytes, m, nil)
}

// slot takes a place without waiting: PeopleSoft waits better than we do.
func slot(places chan struct{}) (release func(), ok bool) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
		return func() {}, false
	}
}

// unread is the answer when the body did not come in.
func unread(err error) answer {
	if errors.Is(err, errTooLarge) {
		return answer{status: http.StatusRequestEntityTooLarge, code: fault.TooLarge, detail: "the body is larger than max_body allows"}
	}
	if errors.Is(err, errNoMemory) {
		return again("", "too many large messages at once")
	}
	return again(fault.SourceTruncated, "the body did not arrive as it was announced")
}

// admissible checks what a proven sender must keep to as well.
func (h *Handler) admissible(r *http.Request, door *Door) (answer, bool) {
	if !door.Access.source(r) {
		return refuse(http.StatusForbidden, "this address may not send"), false
	}
	if !carries(r.Header.Get("Content-Type")) || !encoded(r.Header.Values("Content-Encoding")) {
		return refuse(http.StatusUnsupportedMediaType, "want a message: XML, JSON, text or multipart; not encoded, or gzip, deflate"), false
	}
	return answer{}, true
}

// carries tells whether a media type can hold a message. Odd types are let through: what cannot be understood then
// becomes a dead letter and blocks nobody.
func carries(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	}
	top, _, _ := strings.Cut(strings.TrimSpace(media), "/")
	return !slices.Contains([]string{"image", "audio", "video", "font", "model"}, top) && media != "application/pdf" && media != "multipart/form-data"
}

func encoded(values []string) bool {
	for _, v := range strings.Split(strings.ToLower(strings.Join(values, ",")), ",") {
		if !slices.Contains([]string{"", "identity", "gzip", "x-gzip", "deflate"}, strings.TrimSpace(v)) {
			return false
		}
	}
	return true
}

// open reads as far as the envelope. A door that leads nowhere opens nothing.
func (d *Door) open(r *http.Request, raw []byte) (m Message, err error) {
	if d.Open == nil {
		return Message{}, fault.New(fault.Invalid, fault.BadEnvelope, "nobody is here")
	}
	err = safely(func() (err error) {
		m, err = d.Open(Delivery{Method: r.Method, Header: r.Header, Query: r.URL.Query(), Body: bytes.NewReader(raw)})
		return err
	})
	return m, err
}

// safely turns a panic of a parser into an error of ours. What was panicked with may hold anything and is not kept.
func safely(parse func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, fault.Poison, fmt.Sprintf("a parser panicked with %T", p))
		}
	}()
	return parse()
}

// in gives the answer in the form of the message.
func (a answer) in(m Message) answer {
	a.form = m.Answer
	return a
}
