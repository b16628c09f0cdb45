package zendesk

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const accountID = 18_525_119

type hook struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	Status         string    `json:"status"`
	Subscriptions  []string  `json:"subscriptions"`
	CreatedAt      time.Time `json:"created_at"`
	CreatedBy      string    `json:"created_by"`
	Endpoint       string    `json:"endpoint"`
	HTTPMethod     string    `json:"http_method"`
	RequestFormat  string    `json:"request_format"`
	Authentication any       `json:"authentication,omitempty"`

	secret string
}

// delivery is one event on its way to one webhook.
type delivery struct {
	hook       *hook
	invocation string // the same when it is delivered twice
	body       []byte
}

type hookStore struct {
	list    []*hook
	waiting []delivery
}

func (hs *hookStore) find(id string) *hook {
	for _, h := range hs.list {
		if h.ID == id {
			return h
		}
	}
	return nil
}

func (s *Sim) listHooks(*call) reply {
	return ok(obj{"webhooks": append([]*hook{}, s.hooks.list...), "meta": obj{"has_more": false, "after_cursor": nil, "before_cursor": nil}, "links": obj{"next": nil, "prev": nil}})
}

func (s *Sim) getHook(c *call) reply {
	if h := s.hooks.find(c.r.PathValue("id")); h != nil {
		return ok(obj{"webhook": h})
	}
	return notFound()
}

func (s *Sim) createHook(c *call) reply {
	var in struct {
		H *hook `json:"webhook"`
	}
	if c.decode(&in) != nil || in.H == nil {
		return *badAttribute("webhook", "an object")
	}
	h := in.H
	if h.Name == "" || h.Endpoint == "" || h.HTTPMethod != http.MethodPost || h.RequestFormat != "json" {
		return reply{status: http.StatusBadRequest, body: obj{"errors": []obj{{"code": "InvalidWebhook", "title": "name, endpoint, http_method POST and request_format json are required"}}}}
	}
	if s.opts.Quirks.WebhookSlash && slices.ContainsFunc(h.Subscriptions, func(name string) bool { return !strings.HasPrefix(name, s.eventPrefix()) }) {
		return reply{status: http.StatusUnprocessableEntity, body: obj{"errors": []obj{{"code": "InvalidSubscriptions", "title": "unknown event type"}}}}
	}
	h.ID = fmt.Sprintf("01HA%022X", s.rng.Uint64())
	h.Status, h.CreatedAt, h.CreatedBy = or(h.Status, "active"), c.now, strconv.FormatInt(s.owner, 10)
	h.secret = s.newSecret()
	if a, is := h.Authentication.(map[string]any); is {
		delete(a, "data") // secrets are not read back (6.1)
	}
	s.hooks.list = append(s.hooks.list, h)
	return created(obj{"webhook": h})
}

// newSecret is 44 characters, as Zendesk's (6.1).
func (s *Sim) newSecret() string {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(s.rng.Uint32())
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func (s *Sim) hookSecret(c *call) reply {
	h := s.hooks.find(c.r.PathValue("id"))
	if h == nil {
		return notFound()
	}
	return ok(obj{"signing_secret": obj{"secret": h.secret, "algorithm": "SHA256"}})
}

func (s *Sim) resetHookSecret(c *call) reply {
	h := s.hooks.find(c.r.PathValue("id"))
	if h == nil {
		return notFound()
	}
	h.secret = s.newSecret()
	return created(obj{"signing_secret": obj{"secret": h.secret, "algorithm": "SHA256"}})
}

// Sign is the signature of a webhook delivery: base64 of HMAC-SHA256 over timestamp and body, keyed with the secret text (6.4).
func Sign(secret, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(timestamp))
	m.Write(body)
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// announceUser queues the events of a change for the webhooks that subscribe to them (6.2, 6.3).
func (s *Sim) announceUser(c cause, before, after *User, diff []string) {
	if len(s.hooks.list) == 0 {
		return
	}
	orNone := func(id *int64) string {
		if id == nil {
			return "0"
		}
		return strconv.FormatInt(*id, 10)
	}
	email := ""
	if after.Email != nil {
		email = *after.Email
	}
	detail := obj{
		"created_at": after.CreatedAt, "default_group_id": orNone(after.DefaultGroupID), "email": email, "external_id": after.external(),
		"id": strconv.FormatInt(after.ID, 10), "organization_id": orNone(after.OrganizationID), "role": after.Role, "updated_at": after.UpdatedAt,
	}
	emit := func(kind string, event obj) { s.announce(c, "user", kind, after.ID, detail, event) }
	if before == nil {
		emit("created", obj{})
		return
	}
	for _, name := range diff {
		switch name {
		case "suspended":
			emit("suspended_changed", obj{"current": after.Suspended, "previous": before.Suspended})
		case "active":
			emit("active_changed", obj{"current": after.Active, "previous": before.Active})
			emit("deleted", obj{})
		case "role":
			emit("role_changed", obj{"current": after.Role, "previous": before.Role})
		case "external_id":
			emit("external_id_changed", obj{"current": after.external(), "previous": before.external()})
		case "name":
			emit("name_changed", obj{"current": after.Name, "previous": before.Name})
		case "identities":
			emit("identity_changed", obj{})
		case "user_fields":
			emit("custom_field_changed", obj{})
		}
	}
}

func (s *Sim) announceOrg(c cause, before, after *Organization, diff []string) {
	detail := obj{
		"created_at": after.CreatedAt, "external_id": after.external(), "group_id": "0", "id": strconv.FormatInt(after.ID, 10), "name": after.Name,
		"shared_comments": after.SharedComments, "shared_tickets": after.SharedTickets, "updated_at": after.UpdatedAt,
	}
	if before == nil {
		s.announce(c, "organization", "created", after.ID, detail, obj{})
		return
	}
	if slices.Contains(diff, "name") {
		s.announce(c, "organization", "name_changed", after.ID, detail, obj{"current": after.Name, "previous": before.Name})
	}
	if slices.Contains(diff, "external_id") {
		s.announce(c, "organization", "external_id_changed", after.ID, detail, obj{"current": after.external(), "previous": before.external()})
	}
}

func (s *Sim) eventPrefix() string {
	if s.opts.Quirks.WebhookSlash {
		return "zen:event-type/"
	}
	return "zen:event-type:"
}

func (s *Sim) announce(c cause, subject, kind string, id int64, detail, event obj) {
	name := s.eventPrefix() + subject + "." + kind
	for _, h := range s.hooks.list {
		if h.Status != "active" || !slices.Contains(h.Subscriptions, name) {
			continue
		}
		a, b := s.rng.Uint64(), s.rng.Uint64()
		body, err := json.MarshalIndent(obj{
			"account_id": accountID, "detail": detail, "event": event, "subject": fmt.Sprintf("zen:%s:%d", subject, id), "time": c.at, "type": name,
			"id":                    fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff),
			"zendesk_event_version": "2022-11-06",
		}, "", "   ")
		if err == nil {
			s.hooks.waiting = append(s.hooks.waiting, delivery{
				hook: h, invocation: fmt.Sprintf("01HB%022X", s.rng.Uint64()), body: append(body, '\n'),
			})
		}
	}
}

// DeliverWebhooks sends every waiting event once, in order, and returns how many got a 2xx. There is no retry: Zendesk
// promises best effort only (6.5). client nil means one with a timeout of 10 s.
func (s *Sim) DeliverWebhooks(ctx context.Context, client *http.Client) (delivered int) {
	s.mu.Lock()
	s.settle(s.now())
	waiting, now := s.hooks.waiting, s.now()
	s.hooks.waiting = nil
	if s.opts.Quirks.WebhookTwice {
		waiting = append(waiting, waiting...)
	}
	if s.opts.Quirks.WebhookShuffle {
		s.rng.Shuffle(len(waiting), func(a, b int) { waiting[a], waiting[b] = waiting[b], waiting[a] })
	}
	secrets := make([]string, len(waiting))
	for i, d := range waiting {
		secrets[i] = d.hook.secret
	}
	s.mu.Unlock()
	client = or(client, &http.Client{Timeout: 10 * time.Second})
	for i, d := range waiting {
		if d.send(ctx, client, secrets[i], now) {
			delivered++
		}
	}
	return delivered
}

func (d delivery) send(ctx context.Context, client *http.Client, secret string, now time.Time) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.hook.Endpoint, bytes.NewReader(d.body))
	if err != nil {
		return false
	}
	at := now.Format("2006-01-02T15:04:05Z")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Zendesk Webhook")
	r.Header.Set("X-Zendesk-Account-Id", strconv.Itoa(accountID))
	r.Header.Set("X-Zendesk-Webhook-Id", d.hook.ID)
	r.Header.Set("X-Zendesk-Webhook-Invocation-Id", d.invocation)
	r.Header.Set("X-Zendesk-Webhook-Signature-Timestamp", at)
	r.Header.Set("X-Zendesk-Webhook-Signature", Sign(secret, at, d.body))
	a, err := client.Do(r)
	if err != nil {
		return false
	}
	_ = a.Body.Close()
	return a.StatusCode/100 == 2
}
