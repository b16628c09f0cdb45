package writer

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// A failure at any call of the store, before and after its effect, ends with the right state and one effect.
func TestStoreFailuresLoseNothingAndDoubleNothing(t *testing.T) {
	for _, point := range []string{"open", "quarantined", "begin", "begin done", "links", "commit", "commit done", "ack", "job", "findings"} {
		t.Run(point, func(t *testing.T) {
			play(t, Options{}, func(s *stand) {
				s.w.put(emp(1), 1, "x")
				left := 2
				s.w.cut = func(p string) error {
					if p != point || left == 0 {
						return nil
					}
					left--
					return errStore
				}
				s.d.apply = func(ctx context.Context, _ []target.Change, j target.Journal) error {
					if j.Job(ctx, "job-1", nil) != nil {
						return lost()
					}
					return nil
				}
			}, func(s *stand) {
				s.until(15*time.Minute, "settled", s.w.idle)
				if _, _, n := s.d.count(); n != 1 || s.d.title(emp(1)) != "x" || s.w.link(emp(1)).Version != 1 {
					t.Errorf("%d effects, title %q, link %+v", n, s.d.title(emp(1)), s.w.link(emp(1)))
				}
			})
		})
	}
}

func TestCommitThatFailsAcknowledgesNothing(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		failed := false
		s.w.cut = func(p string) error {
			if p == "commit" && !failed {
				failed = true
				return errStore
			}
			return nil
		}
	}, func(s *stand) {
		pass(50 * time.Millisecond)
		if s.w.settled("ack employee/1 v1") != 0 {
			t.Error("acknowledged without a commit")
		}
		s.until(time.Minute, "settled", s.w.idle) // every outcome was known: nothing to wait for
		s.wantOutcomes(emp(1), audit.Verified)
		if s.w.settled("touch employee/1") != 1 {
			t.Error("the record was not touched")
		}
	})
}

func TestBatchTakenOverWhileWritingIsLookedAtAgain(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		first := true
		s.d.apply = func(context.Context, []target.Change, target.Journal) error {
			if first {
				s.w.ask(func() { s.w.open = nil })
			}
			first = false
			return nil
		}
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		if s.w.settled("touch employee/1") != 1 {
			t.Error("the record was not touched")
		}
		s.wantOutcomes(emp(1), audit.Verified)
	})
}

func TestBusyRecordWaits(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.open = []store.Batch{{ID: "other", Epoch: "other", Items: []store.BatchItem{{Ref: emp(1)}}, Started: time.Now()}}
		s.w.put(emp(1), 1, "x")
		s.w.put(emp(2), 1, "x")
	}, func(s *stand) {
		pass(time.Minute)
		if s.d.title(emp(1)) != "" || s.d.title(emp(2)) != "x" {
			t.Errorf("desk holds %q and %q", s.d.title(emp(1)), s.d.title(emp(2)))
		}
		s.w.ask(func() { s.w.open = nil }) // the other writer is done
		s.until(5*time.Minute, "settled", s.w.idle)
		if s.d.title(emp(1)) != "x" {
			t.Error("the record was never written")
		}
	})
}

func TestTakeoverOfADeadWritersBatch(t *testing.T) {
	cases := map[string]struct {
		alone bool
		ago   time.Duration // when the dead writer began the batch
		free  time.Duration // when its records are written, after the start
		beat  time.Duration // when its life ends or ended; 0: nobody knows
		job   string        // what was sent about the record
	}{
		"alone, its calls may land for a call's life":               {alone: true, ago: time.Second, free: life, job: store.Calls},
		"alone, a batch from long ago is over":                      {alone: true, ago: time.Hour},
		"alone, a record in a job is free when the job is over":     {alone: true, ago: time.Second, job: "j2"},
		"not alone, it may have worked on till the end of its time": {ago: time.Minute, free: 2*time.Minute + life, job: store.Calls},
		"not alone, a batch from long ago is over":                  {ago: time.Hour},
		"silent since a while, single calls may land":               {ago: time.Minute, beat: -20 * time.Second, free: life, job: store.Calls},
		"silent since a while, nothing was sent":                    {ago: time.Minute, beat: -20 * time.Second},
		"silent since a while, the record was in a job":             {ago: time.Minute, beat: -20 * time.Second, job: "j1"},
		"about to fall silent, the record was in a job":             {ago: time.Minute, beat: 9 * time.Second, free: 9 * time.Second, job: "j1"},
		"silent after the end of its work":                          {ago: 5 * time.Minute, beat: -time.Second, free: life, job: store.Calls},
		"alone, the dead writer's clock was two hours ahead":        {alone: true, ago: -2 * time.Hour, free: life, job: store.Calls},
		"alone, the dead writer's clock was two hours behind":       {alone: true, ago: 2 * time.Hour, free: life, job: store.Calls},
		"silent since a while, its clock was two hours ahead":       {ago: -2 * time.Hour, beat: -20 * time.Second, free: life, job: store.Calls},
		"silent since a while, its clock was two hours behind":      {ago: 2 * time.Hour, beat: -20 * time.Second, free: life, job: store.Calls},
		"nobody knows of its life, its clock was two hours ahead":   {ago: -2 * time.Hour, free: 3*time.Minute + life, job: store.Calls},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, Options{Alone: c.alone}, func(s *stand) {
				s.linked(emp(1), 1, "A")
				s.w.put(emp(1), 2, "B")
				s.w.open = []store.Batch{{ID: "dead", Epoch: "dead", Items: []store.BatchItem{{Ref: emp(1), Version: 2, Job: c.job}}, Jobs: []string{"j1", "j2"}, Started: time.Now().Add(-c.ago)}}
				if c.beat != 0 {
					s.w.lives["dead"] = time.Now().Add(c.beat)
				}
				s.d.settle = func(context.Context) error {
					if s.d.title(emp(1)) != "A" {
						t.Error("written before its jobs were settled")
					}
					return nil
				}
			}, func(s *stand) {
				if c.free > 0 {
					pass(c.free - time.Second)
					if s.d.title(emp(1)) != "A" {
						t.Fatal("taken over too early")
					}
				}
				s.until(15*time.Second, "settled", s.w.idle)
				if s.d.title(emp(1)) != "B" || !slices.Equal(s.d.settled, []string{"j1", "j2"}) || s.w.settled("touch employee/1") != 1 {
					t.Errorf("desk %q, settled %v", s.d.title(emp(1)), s.d.settled)
				}
				if !slices.ContainsFunc(s.w.trail, func(e audit.Entry) bool { return e.Verb == "takeover" && e.Code == string(fault.TargetJobUnknown) }) {
					t.Error("the takeover is not told")
				}
			})
		})
	}
}

func TestJobThatHangsKeepsOnlyItsOwnRecordsWaiting(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		s.d.apply = func(ctx context.Context, c []target.Change, j target.Journal) error {
			if c[0].Ref == emp(1) && len(s.d.settled) == 0 {
				return errors.Join(j.Job(ctx, "stuck", nil), lost())
			}
			return nil
		}
		hangs := time.Now().Add(30 * time.Minute)
		s.d.settle = func(ctx context.Context) error {
			wait(ctx, time.Until(hangs))
			return ctx.Err()
		}
	}, func(s *stand) {
		pass(time.Second)
		s.w.put(emp(2), 1, "x")
		s.until(time.Minute, "the other record", func() bool { return s.d.title(emp(2)) == "x" })
		pass(20 * time.Minute)
		if len(s.w.open) != 1 || s.d.title(emp(1)) != "" {
			t.Error("the batch left the journal while its job ran")
		}
		s.until(20*time.Minute, "settled", s.w.idle)
		if s.d.title(emp(1)) != "x" {
			t.Error("the record was never written")
		}
	})
}

// A batch that begins and fails while the unfinished ones are listed is not in the list, and must be taken over all the
// same: forgotten, its records would wait as long as this writer lives.
func TestABatchThatFailsWhileTheJournalIsListedIsNotForgotten(t *testing.T) {
	w := newWorld()
	wr := New(w, w, newDesk(), quiet(), nil, Options{})
	wr.life = &presence{epoch: "e"}
	done := wr.unfinished()
	wr.hold("b")
	wr.ended("b", 0)
	wr.prune(done, nil)
	at := store.Batch{ID: "b", Epoch: "e", Started: time.Now()}
	if _, ended := wr.over(at, map[string]time.Duration{"e": time.Hour}); !ended {
		t.Error("the batch was forgotten")
	}
	wr.forget("b")
	at.Started = time.Now().Add(-time.Hour)
	if _, ended := wr.over(at, map[string]time.Duration{"e": time.Hour}); !ended {
		t.Error("an old batch of this writer that nobody knows of stays for ever")
	}
}

// Deliveries that died with their process count as attempts too. 300 kills over 20,000 records left three that came back
// minutes after the dead writer's batch was over.
func TestARecordThatManyDeathsDeliveredComesBackWithinSecondsOfADeadWritersBatch(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.open = []store.Batch{{ID: "other", Epoch: "other", Items: []store.BatchItem{{Ref: emp(1)}}, Started: time.Now()}}
		s.w.put(emp(1), 1, "x")
		s.w.queue[bus.Writer][0].msg.Attempt = 40
	}, func(s *stand) {
		pass(time.Minute)
		s.w.ask(func() { s.w.open = nil })
		s.until(10*time.Second, "settled", s.w.idle)
		if s.d.title(emp(1)) != "x" {
			t.Error("the record was never written")
		}
	})
}

// A quarantine's end is stored on the wall clock. One that was stored before the clock was put back two hours ends when
// no call can land any more, not two hours later.
func TestAQuarantineThatAClockLeftInTheFutureEnds(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.linked(emp(1), 1, "A")
		s.w.put(emp(1), 2, "B")
		s.w.quarantine[emp(1)] = time.Now().Add(2 * time.Hour)
	}, func(s *stand) {
		pass(life - time.Second)
		if s.d.title(emp(1)) != "A" {
			t.Fatal("written while a call may land")
		}
		s.until(15*time.Second, "settled", s.w.idle)
		if s.d.title(emp(1)) != "B" {
			t.Error("the record was never written")
		}
	})
}
