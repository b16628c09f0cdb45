package zendesk_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func TestControlFromAnotherProcess(t *testing.T) {
	a := open(t, zendesk.Options{RequestsPerMinute: 2})
	a.auth = ""
	made := a.want(201, "POST", "/_sim/users", `{"users":[{"name":"A","external_id":"E1","email":"a@x.example"},{"name":"Agent","role":"agent"}],"user":{"name":"C"}}`)
	id := made.str(t, "users", 0, "id")
	a.want(422, "POST", "/_sim/users", `{"user":{"name":"B","external_id":"e1"}}`).has(t, "already been taken")
	a.want(201, "POST", "/_sim/organizations", `{"organizations":[{"name":"Acme"}]}`)
	a.want(200, "POST", "/_sim/users/"+id+"/suspend", "").has(t, `"suspended":true`)
	a.want(200, "POST", "/_sim/users/"+id+"/restore", "").has(t, `"suspended":false`)
	a.want(200, "POST", "/_sim/users/"+id+"/deactivate", "").has(t, `"active":false`)
	a.want(404, "POST", "/_sim/users/"+id+"/deactivate", "")
	a.want(200, "GET", "/_sim/users", "").has(t, `"role":"agent"`, `"identities":[`)
	a.want(200, "GET", "/_sim/organizations", "").has(t, `"name":"Acme"`)
	all := a.want(200, "GET", "/_sim/effects", "")
	all.has(t, `"verb":"create"`, `"verb":"suspend"`, `"verb":"restore"`, `"verb":"deactivate"`, `"before":null`)
	if rest := a.want(200, "GET", fmt.Sprintf("/_sim/effects?after=%d", len(all.at(t, "effects").([]any))-1), ""); len(rest.at(t, "effects").([]any)) != 1 {
		t.Errorf("effects after the last but one: %s", rest.raw)
	}
	a.want(201, "POST", "/_sim/fault", `{"path":"/api/v2/users/*","status":418,"times":2}`)
	a.want(400, "POST", "/_sim/fault", `{"stauts":418}`)
	a.want(418, "GET", "/api/v2/users/me", "")
	a.want(204, "POST", "/_sim/faults/clear", "")
	a.want(200, "GET", "/api/v2/users/me", "")
	a.want(200, "GET", "/_sim/counters", "").has(t, `"calls":{"GET /api/v2/users/me":2}`, `"statuses":{"200":1,"418":1}`, `"deletes":0`, `"requests":2`)
	a.want(200, "GET", "/_sim/requests", "").has(t, `"path":"/api/v2/users/me"`, `"status":418`)
}

func TestWebhooksAreSigned(t *testing.T) {
	const secret, at = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", "2026-11-23T10:15:30Z"
	if got := zendesk.Sign(secret, at, nil); got != "3aEdjaFOassLpcGvtbhNHgKOLkz3VvXb0KXjt2cIFIs=" {
		t.Errorf("signature of nothing %s differs from zendesk.md 6.4", got)
	}
	var mu sync.Mutex
	var got []string
	var secretOf string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if want := zendesk.Sign(secretOf, r.Header.Get("X-Zendesk-Webhook-Signature-Timestamp"), body); r.Header.Get("X-Zendesk-Webhook-Signature") != want {
			t.Errorf("signature %s, want %s", r.Header.Get("X-Zendesk-Webhook-Signature"), want)
		}
		got = append(got, string(body))
	}))
	t.Cleanup(receiver.Close)
	a := open(t, zendesk.Options{})
	made := a.want(201, "POST", "/api/v2/webhooks", `{"webhook":{"name":"w","endpoint":"`+receiver.URL+`","http_method":"POST","request_format":"json","status":"active",
		"subscriptions":["zen:event-type:user.suspended_changed","zen:event-type:user.deleted"],"authentication":{"type":"bearer_token","data":{"token":"hush"},"add_position":"header"}}}`)
	if strings.Contains(made.raw, "hush") {
		t.Error("the token is read back")
	}
	path := "/api/v2/webhooks/" + made.str(t, "webhook", "id")
	signing := a.want(200, "GET", path+"/signing_secret", "")
	if secretOf = signing.str(t, "signing_secret", "secret"); len(secretOf) != 44 || signing.str(t, "signing_secret", "algorithm") != "SHA256" {
		t.Errorf("secret %s", signing.raw)
	}
	a.want(200, "GET", path, "")
	id := a.user(`{"name":"A","external_id":"E1"}`)
	a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"suspended":true,"name":"B"}}`)
	a.want(200, "POST", "/_sim/users/"+id+"/deactivate", "")
	if n := a.want(200, "POST", "/_sim/webhooks/deliver", "").str(t, "delivered"); n != "2" {
		t.Fatalf("%s events delivered, want 2: %v", n, got)
	}
	for i, parts := range [][]string{
		{`"type": "zen:event-type:user.suspended_changed"`, `"current": true`, `"external_id": "E1"`, `"id": "` + id + `"`, `"organization_id": "0"`},
		{`"type": "zen:event-type:user.deleted"`, `"external_id": ""`, `"subject": "zen:user:` + id + `"`},
	} {
		for _, p := range parts {
			if !strings.Contains(got[i], p) {
				t.Errorf("event %d %s lacks %s", i, got[i], p)
			}
		}
	}
	if other := a.want(201, "POST", path+"/signing_secret", "").str(t, "signing_secret", "secret"); other == secretOf {
		t.Error("the reset secret is the old one")
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	a := open(t, zendesk.Options{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				r, _ := http.NewRequestWithContext(t.Context(), "POST", a.url+"/api/v2/users/create_or_update", strings.NewReader(fmt.Sprintf(`{"user":{"name":"W%d","external_id":"E%d"}}`, w, i)))
				r.Header.Set("Authorization", "Bearer x")
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				_ = a.sim.Effects()
				_ = a.sim.Counters()
			}
		})
	}
	wg.Wait()
	creates := 0
	for _, e := range a.sim.Effects() {
		if e.Verb == "create" && strings.HasPrefix(e.ExternalID, "E") {
			creates++
		}
	}
	if creates != 20 || a.sim.Counters().Requests != 160 {
		t.Errorf("%d creates, %d requests; want 20 and 160", creates, a.sim.Counters().Requests)
	}
}

// lines is a writer that hands over whole lines.
type lines chan string

func (l lines) Write(p []byte) (int, error) { l <- string(bytes.TrimSpace(p)); return len(p), nil }

func TestTheProgramServesUntilItIsTold(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, code := make(lines, 10), make(chan int, 1)
	go func() {
		code <- zendesk.Command(ctx, []string{"-listen", "127.0.0.1:0", "-rpm", "50", "-seed-users", "3", "-gate", "-job-duration", "1s"}, out)
	}()
	url, found := strings.CutPrefix(<-out, "listening on ")
	if !found {
		t.Fatalf("first line is %q", url)
	}
	r, _ := http.NewRequestWithContext(ctx, "GET", url+"/api/v2/users/count", nil)
	r.Header.Set("Authorization", "Bearer x")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if !strings.Contains(string(body), `"value":4`) || res.Header.Get("X-Rate-Limit") != "50" {
		t.Errorf("%s %v", body, res.Header)
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	select {
	case c := <-code:
		if c != 0 {
			t.Errorf("exit code %d", c)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the program does not end")
	}
	if c := zendesk.Command(t.Context(), []string{"-nonsense"}, io.Discard); c != 2 {
		t.Errorf("exit code %d for a wrong flag, want 2", c)
	}
	if c := zendesk.Command(t.Context(), []string{"-listen", "127.0.0.1:99999"}, io.Discard); c != 1 {
		t.Errorf("exit code %d for a wrong address, want 1", c)
	}
}
