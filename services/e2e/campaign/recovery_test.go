package campaign

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

// letterSecret stands in every message that nobody understands: its letter is sealed, so it stands nowhere else.
const letterSecret = "Canary-078-05-1120-campaign"

// recovery is what a person does by hand while the process dies: replays of what went through before, and messages of an
// unknown name, which become dead letters and are retried. Retried without a cure they come back, so that the open
// letters are as many as the messages that were taken, whatever died meanwhile.
type recovery struct {
	unsent []string // transactions that nobody answered for yet
	sent   int
	taken  int
	doing  chan struct{} // a retry or a start of a replay that the next kill may cut off
}

// step does what is due at the i-th kill, at the same time as the kill.
func (h *recovery) step(r *rig, i int) {
	if i%5 == 4 {
		h.sent++
		h.unsent = append(h.unsent, fmt.Sprintf("campaign-%d", h.sent))
	}
	h.post(r)
	if status := r.sent("stranger", "?token="+urlSecret, wrongPassword); status/100 == 2 {
		r.t.Fatalf("a stranger was answered with %d", status)
	}
	client, done := r.client, make(chan struct{})
	h.doing = done
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		switch {
		case i%12 == 11:
			_ = retryOldest(ctx, client)
		case i%12 == 5:
			_ = newest(ctx, client)
		}
	}()
}

// wait is for the end of what step began: it fails when the process died.
func (h *recovery) wait() { <-h.doing }

// retryOldest retries the oldest letters, so many that a long campaign does not retry all its letters all the time.
func retryOldest(ctx context.Context, client *adminapi.Client) error {
	list, err := client.DeadLetters(ctx, acme)
	if err != nil || len(list.Letters) == 0 {
		return err
	}
	choice := adminapi.DeadChoice{By: "campaign"}
	for _, l := range list.Letters[:min(20, len(list.Letters))] {
		choice.Sequences = append(choice.Sequences, l.Sequence)
	}
	_, err = client.RetryDead(ctx, acme, choice)
	return err
}

// newest begins a replay of the newest messages, a few pages.
func newest(ctx context.Context, client *adminapi.Client) error {
	s, err := client.Status(ctx, acme)
	if err != nil {
		return err
	}
	from := max(1, s.Tenants[0].Streams["ERP"]-1000)
	_, err = client.StartReplay(ctx, acme, adminapi.ReplayRange{Stream: "ERP", From: uint64(from), To: 1 << 40, By: "campaign"})
	return err
}

// replay begins one while the programs die; the one before may still run.
func (h *recovery) replay(r *rig) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = newest(ctx, r.client)
}

// post sends as PeopleSoft does: until somebody took it.
func (h *recovery) post(r *rig) {
	left := h.unsent[:0]
	for _, id := range h.unsent {
		if r.posted(id) {
			h.taken++
		} else {
			left = append(left, id)
		}
	}
	h.unsent = left
}

func (r *rig) posted(id string) bool { return r.sent(id, "", ibPassword)/100 == 2 }

// sent posts a message that nobody understands and answers the status; 0 is none.
func (r *rig) sent(id, query, password string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	body := fmt.Sprintf(`<?xml version="1.0"?><CAMPAIGN_NEWS><MsgData><Transaction><PERSON class="R"><EMPLID>%s</EMPLID><NATIONAL_ID>%s</NATIONAL_ID></PERSON></Transaction></MsgData></CAMPAIGN_NEWS>`, id, letterSecret)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.ingress+"/ib/acme"+query, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth("PSFT", password)
	for name, v := range map[string]string{"Content-Type": "text/xml", "ExternalOperationName": "CAMPAIGN_NEWS.VERSION_1", "From": "PSFT_HR", "TransactionID": id} {
		req.Header.Set(name, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// settled is what must hold of it in the end: every replay came to its end, and each message that was taken has one open
// letter (O1). Then all letters are dropped, while the process dies once more, and none is left.
func (h *recovery) settled(r *rig) (bad []string) {
	if !holds(time.Minute, func() bool { h.post(r); return len(h.unsent) == 0 }) {
		return []string{fmt.Sprintf("O9: %d messages are not taken", len(h.unsent))}
	}
	bad = append(bad, h.replayed(r)...)
	if open := 0; !holds(time.Minute, func() bool { open = r.letters(); return open == h.taken }) {
		bad = append(bad, fmt.Sprintf("O1: %d messages of an unknown name were taken, %d letters are open", h.taken, open))
	}
	drop := func() {
		_, _ = r.client.DropDead(context.Background(), acme, adminapi.DeadChoice{All: true, By: "campaign", Reason: "nobody understands them"})
	}
	done := make(chan struct{})
	go func() { defer close(done); drop() }()
	<-time.After(time.Duration(r.dice.IntN(30)) * time.Millisecond)
	r.p.kill()
	<-done
	r.start()
	drop()
	if !holds(time.Minute, func() bool { return r.letters() == 0 }) {
		bad = append(bad, fmt.Sprintf("O1: %d letters are open after all were dropped", r.letters()))
	}
	return bad
}

func (h *recovery) replayed(r *rig) (bad []string) {
	var all []adminapi.Replay
	if !holds(r.rest, func() bool {
		list, err := r.client.Replays(context.Background(), acme)
		all = list
		for _, rep := range list {
			if rep.State == "running" {
				return false
			}
		}
		return err == nil
	}) {
		bad = append(bad, fmt.Sprintf("O9: a replay does not end: %+v", all))
	}
	events := 0
	for _, rep := range all {
		if rep.State != "finished" {
			bad = append(bad, fmt.Sprintf("O1: a replay is %s: %s %s", rep.State, rep.Code, rep.Detail))
		}
		events += rep.Events
	}
	if events == 0 {
		bad = append(bad, fmt.Sprintf("%d replays sent nothing: the campaign proves nothing of them", len(all)))
	}
	fmt.Printf("campaign: %d replays of %d events, %d dead letters\n", len(all), events, h.taken)
	return bad
}

// letters counts the open ones; -1 when nobody answers.
func (r *rig) letters() (n int) {
	list, err := r.client.DeadLetters(context.Background(), acme)
	if err != nil {
		return -1
	}
	for _, g := range list.Groups {
		n += g.Letters
	}
	return n
}
