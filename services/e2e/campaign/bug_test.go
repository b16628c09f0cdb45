package campaign

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// mistake is one of the deliberate ones of failures.md 4.9 and the part of a campaign that must notice it.
type mistake struct {
	name string
	play func(r *rig) []string // complaints of the oracles
	rpm  int                   // requests that Zendesk allows in a minute; 0 is no limit
}

func mistakes() []mistake {
	return []mistake{
		{name: "ack-before-confirm", play: dieInTheWriter},
		{name: "watermark-before-publish", play: dieInTheFirstLoad},
		{name: "id-from-time", play: dieBeforeTheAnswer},
		{name: "dedupe-by-window", play: messagesOutOfOrder},
		{name: "overlap-zero", play: commitsLate},
		{name: "filter-after", play: commitsInTheSameSecond},
		{name: "ignore-body-error", play: bodyCut},
		{name: "html-as-data", play: signInPage},
		{name: "job-by-position", play: shuffledResults},
		{name: "refresh-no-persist", play: killAfterRefresh},
		{name: "gate-first-n", play: manyLeavers},
		{name: "missing-tenant", play: twoTenants},
		{name: "no-pace", play: withinTheBudget, rpm: 120}, // ours, so that O7 can fail
	}
}

// A campaign that cannot fail proves nothing: without the mistake the part is green, with it red, all of them.
func TestEverySeededBugIsCaught(t *testing.T) {
	began, bin := time.Now(), build(t, "ml-connector")
	var caught atomic.Int64
	t.Run("mistake", func(t *testing.T) { // side by side: most of a part is waiting
		for _, m := range mistakes() {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				if m.caught(t, bin) {
					caught.Add(1)
				}
			})
		}
	})
	n := int(caught.Load())
	report(t, step{Step: "seeded bugs caught", N: n, Unit: "bugs", Seed: seed(t), Failures: len(mistakes()) - n}, began)
}

func (m mistake) caught(t *testing.T, bin string) bool {
	began := time.Now()
	if bad := m.play(newLimitedRig(t, bin, 300, 40, seed(t), m.rpm)); len(bad) > 0 {
		t.Fatalf("red without the mistake: %.600s", strings.Join(bad, "; "))
	}
	honest := time.Since(began)
	bad := spoiled(t, bin, m)
	if len(bad) == 0 {
		t.Fatalf("the campaign does not notice it in %d plays", bugPlays)
	}
	fmt.Printf("campaign: %s is caught, %.0f s and %.0f s: %.200s\n", m.name, honest.Seconds(), (time.Since(began) - honest).Seconds(), bad[0])
	return true
}

// bugPlays is how often a mistake may be played until something notices it: a crash between two steps is a matter of
// moments, and on a busy machine the moment may pass.
const bugPlays = 3

// spoiled plays a part with the mistake switched on and answers what was noticed.
func spoiled(t *testing.T, bin string, m mistake) (bad []string) {
	for n := range bugPlays {
		r := newLimitedRig(t, bin, 300, 40, seed(t)+uint64(n), m.rpm)
		r.env = []string{"MLC_BUG=" + m.name}
		bad = m.play(r)
		r.p.kill()
		if len(bad) > 0 {
			return bad
		}
	}
	return nil
}

// loaded starts the process and brings the company in.
func (r *rig) loaded(file string) *rig {
	r.t.Helper()
	r.start()
	r.mustApply(file)
	r.blame("first load", errorOf(r.sync(true)))
	return r
}

func (r *rig) judged() []string {
	for range 2 {
		if err := r.sync(false); err != nil {
			return errorOf(err)
		}
	}
	return append(r.verdict(), effects(r.ZD)...)
}

// dieAtAny lets the process die at the first of the points that it comes to while act happens.
func (r *rig) dieAtAny(points string, act func()) {
	r.t.Helper()
	if r.p != nil {
		r.p.kill()
	}
	r.start("MLC_CRASH=" + points)
	act()
	if !holds(20*time.Second, r.p.dead) {
		r.t.Fatalf("none of %s was reached", points)
	}
	r.start()
}

func dieInTheWriter(r *rig) []string {
	r.loaded(r.file()).dieAtAny("delay:wr.acked_pause:300ms,wr.acked_early,wr.before_ack", func() { r.work.crowd(r, 12); r.ask(false) })
	return r.judged()
}

// dieInTheFirstLoad ends in the middle of reading people, before their last page. Nobody asks for a full reading: one
// behind it would bring back what the mistake loses.
func dieInTheFirstLoad(r *rig) []string {
	r.dieAtAny("poller.watermark_early.employee,poller.after_watermark:2", func() { r.mustApply(r.file()); r.ask(false) })
	return r.judged()
}

// dieBeforeTheAnswer lets PeopleSoft send a message again that was stored, and counts what the stream holds of it.
func dieBeforeTheAnswer(r *rig) []string {
	r.loaded(r.file()).sender(pssim.NodeOptions{})
	grown := func() int64 {
		before := r.stored()
		r.work.crowd(r, 1)
		if !holds(5*time.Second, r.p.dead) {
			_ = r.quiet(30 * time.Second)
		} else {
			r.start()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		r.PS.Drained(ctx)
		_ = r.quiet(30 * time.Second)
		return r.stored() - before
	}
	whole := grown()
	r.p.kill()
	r.start("MLC_CRASH=ib.after_ack")
	if again := grown(); again != whole {
		return []string{fmt.Sprintf("O1: a message of %d events that was sent twice is stored as %d", whole, again)}
	}
	return r.judged()
}

// stored is how many messages ERP holds.
func (r *rig) stored() int64 {
	s, err := r.client.Status(context.Background(), acme)
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Tenants[0].Streams["ERP"]
}

func messagesOutOfOrder(r *rig) []string {
	r.loaded(r.file()).sender(pssim.NodeOptions{Reorder: 1})
	for i, who := range r.work.people[:6] {
		for n := range 2 {
			if _, err := r.PS.ChangeEmail(who, fmt.Sprintf("c%d.%s@example.com", 10*i+n, who)); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r.PS.Drained(ctx)
	if err := r.quiet(time.Minute); err != nil {
		return errorOf(err)
	}
	return r.verdict()
}

// late lets changes become visible up to so much later than one that was made after them.
func (r *rig) late(d, gap time.Duration) {
	if err := r.PS.Fault(pssim.Fault{Kind: pssim.FaultLate, Delay: d}); err != nil {
		r.t.Fatal(err)
	}
	r.work.crowd(r, 12)
	r.PS.ClearFaults()
	<-time.After(gap)
	r.work.crowd(r, 1)
	r.blame("a reading", errorOf(r.sync(false)))
	<-time.After(d + 500*time.Millisecond)
}

func commitsLate(r *rig) []string {
	r.loaded(r.file()).late(6*time.Second, 2*time.Second)
	return r.judged()
}

// commitsInTheSameSecond: PeopleSoft's clock shows seconds, and only the bound itself keeps a late row in the window.
func commitsInTheSameSecond(r *rig) []string {
	r.PS.SetQuirks(pssim.Quirks{Stamp: "2006-01-02T15:04:05"})
	r.loaded(strings.Replace(r.file(), "overlap: 15m", "overlap: 0s", 1))
	for time.Now().Nanosecond() > int(200*time.Millisecond) {
		<-time.After(10 * time.Millisecond)
	}
	r.late(time.Second, 0)
	return r.judged()
}

// bodyCut sends a message that is announced longer than it comes.
func bodyCut(r *rig) []string {
	r.loaded(r.file())
	if !holds(30*time.Second, func() bool {
		return r.doorOpen(pssim.NodeOptions{URL: "http://" + r.ingress + "/ib/acme", User: "PSFT", Password: ibPassword})
	}) {
		r.t.Fatal("the door stays closed")
	}
	conn, err := net.Dial("tcp", r.ingress)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+r.ingress+"/ib/acme", nil)
	req.SetBasicAuth("PSFT", ibPassword)
	_, _ = fmt.Fprintf(conn, "POST /ib/acme HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Type: text/xml\r\nFrom: PSFT_HR\r\nExternalOperationName: NOTHING.V1\r\nContent-Length: 5000\r\n\r\n<?xml version=\"1.0\"?><NOTHING/>",
		r.ingress, req.Header.Get("Authorization"))
	if half, ok := conn.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		return []string{fmt.Sprintf("O1: half a message was taken with %d", resp.StatusCode)}
	}
	return nil
}

func signInPage(r *rig) []string {
	r.start()
	r.mustApply(r.file())
	if err := r.PS.Fault(pssim.Fault{Kind: pssim.FaultSignIn, Query: "ML_EMPLOYEES", Skip: 2, Times: 1}); err != nil {
		r.t.Fatal(err)
	}
	_ = r.sync(true)
	return r.judged()
}

func killAfterRefresh(r *rig) []string {
	r.start()
	r.mustApply(strings.Replace(r.file(), "client_credentials:", "authorization_code:", 1))
	r.connect()
	r.blame("first load", errorOf(r.sync(true)))
	r.ZD.RevokeAccess()
	r.work.crowd(r, 3)
	if err := r.sync(false); err != nil { // a second reader of the tokens asks with those that are spent
		return errorOf(err)
	}
	r.p.kill()
	r.start()
	r.work.crowd(r, 3)
	r.ask(false)
	if holds(10*time.Second, func() bool {
		s, err := r.client.Status(context.Background(), acme)
		return err == nil && strings.Contains(fmt.Sprint(s.Tenants[0].Problems), "REAUTH_REQUIRED")
	}) {
		return []string{"O9: a new consent is needed although nothing died at a refresh"}
	}
	return r.judged()
}

func manyLeavers(r *rig) []string {
	r.leave()
	if !holds(20*time.Second, func() bool {
		s, err := r.client.Status(context.Background(), acme)
		return err == nil && len(s.Tenants[0].Waiting) == 1
	}) {
		return []string{"O12: the leavers are not held"}
	}
	_ = r.quiet(10 * time.Second)
	for _, e := range r.ZD.Effects() {
		if e.Verb == "suspend" {
			return []string{"O12: " + e.ExternalID + " was suspended before anybody approved"}
		}
	}
	return nil
}

// twoTenants have people with the same numbers and must not answer for each other.
func twoTenants(r *rig) []string {
	second, err := demo.NewCompany(300, 40, seed(r.t), 0, 10*time.Millisecond)
	if err != nil {
		r.t.Fatal(err)
	}
	background(r.t, second.Parts...)
	r.loaded(r.file())
	values := map[string]map[string]string{"bolt": r.values()[string(acme)]}
	file := strings.NewReplacer(r.PSURL, second.PSURL, r.ZDURL, second.ZDURL, "tenant: acme", "tenant: bolt").Replace(r.file())
	if _, err := r.client.Apply(context.Background(), adminapi.Apply{Name: "bolt.yaml", File: file, Actor: "campaign", Values: values}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.client.Sync(context.Background(), "bolt", adminapi.Sync{Full: true}); err != nil {
		r.t.Fatal(err)
	}
	var bad []string
	judge := demo.NewJudge(second)
	holds(20*time.Second, func() bool { // every look judges anew
		bad = judge.Verdict(nil)
		return len(bad) == 0
	})
	return bad
}
