package campaign

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A leaving acts at a time of day with no message arriving. The process dies when the wake-up for it fires, and again
// each time that it comes back: nothing of it is lost, and the person is suspended once (C24).
func TestPointOfTheClock(t *testing.T) {
	began, times := time.Now(), size(t, "MLC_CAMPAIGN_TIMES", 1, 5)
	r := newRig(t, build(t, "ml-connector"), 100, 20, seed(t))
	defer func() {
		report(t, step{Step: "a wake-up that fires", N: times, Unit: "kills", Records: 120, Seed: seed(t)}, began)
	}()
	r.loaded(r.file())
	who := r.work.people[0]
	at := r.leavesSoon(who)
	r.p.kill()
	if gone := r.suspended([]string{who}); len(gone) > 0 || time.Now().After(at) {
		t.Fatalf("%v are suspended before %v, and it is %v", gone, at, time.Now())
	}
	for range times {
		r.start("MLC_CRASH=sched.before_enqueue")
		if !holds(time.Until(at)+time.Minute, r.p.dead) || !strings.Contains(r.log.tail(200), "crash point sched.before_enqueue") {
			t.Fatal("C24: no wake-up fired")
		}
		if time.Now().Before(at) {
			t.Fatalf("C24: woken %v too early", time.Until(at))
		}
	}
	r.start()
	if !holds(time.Minute, func() bool { return len(r.suspended([]string{who})) > 0 }) {
		t.Error("C24: the leaver keeps the access")
	}
	r.blame("C24 sched.before_enqueue", append(r.judged(), r.trail()...))
}

// leavesSoon lets somebody leave at the next full minute that is far enough away to plan it.
func (r *rig) leavesSoon(who string) time.Time {
	r.t.Helper()
	zone, err := time.LoadLocation("America/Chicago") // the company's
	if err != nil {
		r.t.Fatal(err)
	}
	at := time.Now().In(zone).Add(30 * time.Second).Truncate(time.Minute).Add(time.Minute)
	r.mustApply(r.file() + fmt.Sprintf("employees: { leaver: { at: %q } }\n", at.Format("15:04")))
	if _, err := r.PS.Terminate(who, at.Format(time.DateOnly)); err != nil {
		r.t.Fatal(err)
	}
	r.work.touched[who] = true
	r.blame("a leaving ahead", errorOf(r.sync(false)))
	return at
}
