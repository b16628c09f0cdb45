package zendesk_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func TestShuffledResultsAreStillTheSame(t *testing.T) {
	a := open(t, zendesk.Options{Quirks: zendesk.Quirks{ShuffleResults: true, NoJobType: true}})
	done := a.job("POST", "/api/v2/users/create_or_update_many", people(50))
	if strings.Contains(done.raw, "job_type") {
		t.Error("job_type is there")
	}
	var order []string
	for i := range 50 {
		order = append(order, done.str(t, "job_status", "results", i, "email"))
	}
	sorted := slices.Clone(order)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != 50 || order[0] == "p0@x.example" && order[1] == "p1@x.example" && order[2] == "p2@x.example" {
		t.Errorf("order %v", order)
	}
}

func TestRetentionIsAnOption(t *testing.T) {
	a := open(t, zendesk.Options{JobRetention: time.Hour})
	id := a.job("POST", "/api/v2/users/create_many", people(1)).str(t, "job_status", "id")
	a.want(200, "GET", "/api/v2/job_statuses", "").has(t, id)
	a.time.add(time.Hour)
	a.want(404, "GET", "/api/v2/job_statuses/"+id, "")
}

func TestAJobWithoutDurationIsQueuedFirst(t *testing.T) {
	a := open(t, zendesk.Options{JobDuration: func(int) time.Duration { return 0 }})
	id := a.want(200, "POST", "/api/v2/users/create_many", people(1)).str(t, "job_status", "id")
	a.want(200, "GET", "/api/v2/job_statuses/"+id, "").has(t, `"status":"completed"`, `"status":"Created"`)
}

func TestCreatesMayHaveALimit(t *testing.T) {
	a := open(t, zendesk.Options{CreatePerMinute: 1})
	a.user(`{"name":"A"}`)
	if h := a.want(429, "POST", "/api/v2/users", `{"user":{"name":"B"}}`).header.Get("Retry-After"); h != "60" {
		t.Errorf("Retry-After %q", h)
	}
}

func TestLengthsMayBeUnlimited(t *testing.T) {
	a := open(t, zendesk.Options{Quirks: zendesk.Quirks{MaxLength: -1}})
	a.user(`{"name":"` + strings.Repeat("x", 1000) + `"}`)
}

func TestTokenAnswersMayBe201(t *testing.T) {
	a := open(t, zendesk.Options{Quirks: zendesk.Quirks{TokenStatus: 201}})
	a.want(201, "POST", "/oauth/tokens", `{"grant_type":"client_credentials","client_id":"x"}`)
}

func TestOneIntegrationIsGatedNotTheOther(t *testing.T) {
	a := open(t, zendesk.Options{ImportGate: true})
	a.want(403, "POST", "/api/v2/users/create_or_update_many", people(1))
	a.want(200, "GET", "/api/v2/users/me", "")
	a.want(201, "POST", "/api/v2/users/create_or_update", `{"user":{"name":"A"}}`)
}

func TestWebhooksMayRepeatAndUseSlashes(t *testing.T) {
	var mu sync.Mutex
	bodies, invocations := map[string]int{}, map[string]int{}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies[string(body)]++
		invocations[r.Header.Get("X-Zendesk-Webhook-Invocation-Id")]++
	}))
	t.Cleanup(receiver.Close)
	a := open(t, zendesk.Options{Quirks: zendesk.Quirks{WebhookTwice: true, WebhookSlash: true, WebhookShuffle: true}})
	hook := `{"webhook":{"name":"w","endpoint":"` + receiver.URL + `","http_method":"POST","request_format":"json","subscriptions":["zen:event-type:user.created","zen:event-type:organization.name_changed","zen:event-type:organization.created"]}}`
	a.want(422, "POST", "/api/v2/webhooks", hook)
	a.want(201, "POST", "/api/v2/webhooks", strings.ReplaceAll(hook, "event-type:", "event-type/"))
	a.want(400, "POST", "/api/v2/webhooks", `{"webhook":{"name":"w"}}`)
	a.user(`{"name":"A"}`)
	org := a.org(`{"name":"O"}`)
	a.want(200, "PUT", "/api/v2/organizations/"+org, `{"organization":{"name":"P"}}`)
	if n := a.sim.DeliverWebhooks(t.Context(), nil); n != 6 {
		t.Errorf("%d deliveries, want 3 events twice", n)
	}
	if n := a.sim.DeliverWebhooks(t.Context(), nil); n != 0 {
		t.Errorf("%d more deliveries, want none", n)
	}
	mu.Lock()
	defer mu.Unlock()
	for body, n := range bodies {
		if n != 2 || !strings.Contains(body, "zen:event-type/") {
			t.Errorf("%d of %s", n, body)
		}
	}
	if len(bodies) != 3 || len(invocations) != 3 {
		t.Errorf("%d bodies, %d invocations, want 3 each", len(bodies), len(invocations))
	}
}
