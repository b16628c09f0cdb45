package natsbus

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const day = 24 * time.Hour

const (
	duplicates = 10 * time.Minute // saves work on repeats; correctness never rests on it (design.md 4.4)
	maxMsgSize = 1 << 20          // above event.MaxSize with headers
	maxPending = 10000            // delayed naks keep their slot (broker.md 2.1, MaxAckPending)
	pinGroup   = "w"
)

// streamConfig is the stream of design.md 4 as the server must have it.
func streamConfig(t tenant.ID, s bus.Stream, o Options) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: streamName(t, s), Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, DenyDelete: true, Replicas: o.Replicas, Duplicates: duplicates,
		MaxMsgSize: maxMsgSize, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1,
		AllowDirect: true, AllowAtomicPublish: true,
	}
	if n := o.MaxBytes[s]; n > 0 {
		c.MaxBytes = n
	}
	words := func(list ...string) {
		for _, w := range list {
			c.Subjects = append(c.Subjects, w+"."+string(t)+".>")
		}
	}
	switch s {
	case bus.ERP: // the cursor survives MaxAge by its own time to live, and a rollup keeps one of it
		words(wordFacts, wordCursor)
		c.MaxAge, c.MaxMsgs, c.Compression, c.AllowMsgTTL, c.AllowRollup = 30*day, 50e6, jetstream.S2Compression, true, true
	case bus.Directory:
		// A table: the latest message per subject, nothing ages. The server refuses DiscardNew beside schedules (10052,
		// seen on 2.15.2), so the stream has no limit at all that could discard old messages; the store's does refuse.
		words(wordTable, wordUrgent, wordWake, wordDue, wordPoll, wordTick)
		c.Discard, c.MaxBytes, c.MaxMsgs = jetstream.DiscardOld, -1, -1
		c.MaxMsgsPerSubject, c.AllowMsgSchedules, c.AllowMsgTTL, c.AllowRollup = 1, true, true, true
	case bus.Desk:
		words(wordDesk)
		c.MaxAge, c.MaxMsgs = 30*day, 10e6
	case bus.Audit:
		words(wordAudit)
		c.MaxAge, c.MaxMsgs, c.Compression = 30*day, 50e6, jetstream.S2Compression
	case bus.Dead:
		words(wordDead)
		c.MaxAge, c.MaxMsgs, c.Compression = 90*day, 5e6, jetstream.S2Compression
	case bus.Replay:
		words(wordReplay)
		c.MaxAge, c.MaxMsgs, c.Compression = 7*day, 20e6, jetstream.S2Compression
	}
	return c
}

// filter is the stream that a consumer reads and the first word of its subjects.
func filter(c bus.Consumer) (s bus.Stream, word string, ok bool) {
	switch c {
	case bus.Transformer:
		return bus.ERP, wordFacts, true
	case bus.Due:
		return bus.Directory, wordDue, true
	case bus.Ticks:
		return bus.Directory, wordTick, true
	case bus.Writer:
		return bus.Directory, wordTable, true
	case bus.UrgentLane:
		return bus.Directory, wordUrgent, true
	case bus.Recorder:
		return bus.Audit, wordAudit, true
	case bus.Replayer:
		return bus.Replay, wordReplay, true
	}
	return "", "", false
}

// ackWait is how long the broker waits for a word about a delivery. It is short, because what a process held when it
// died comes back no earlier: the next writer can do nothing before about what the last one fetched and did not write
// into its journal (ADR 0013), and a process that is killed again and again must not keep a replay out for a minute each
// time. Whoever works says so every third of it.
func (o Options) ackWait() time.Duration { return orDuration(o.AckWait, 15*time.Second) }

func pinned(c bus.Consumer) bool { return c == bus.Writer || c == bus.UrgentLane }

// consumerConfig is the durable as the server must have it. MaxDeliver is -1: a message that ran out of tries would
// stop the ack floor for ever, in silence (failures.md fact 5).
func consumerConfig(t tenant.ID, c bus.Consumer, o Options) jetstream.ConsumerConfig {
	_, word, _ := filter(c)
	cc := jetstream.ConsumerConfig{
		Name: string(c), Durable: string(c), FilterSubject: word + "." + string(t) + ".>",
		DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy, ReplayPolicy: jetstream.ReplayInstantPolicy,
		AckWait: o.ackWait(), MaxDeliver: -1, MaxAckPending: maxPending,
	}
	if pinned(c) {
		cc.PriorityPolicy, cc.PriorityGroups, cc.PinnedTTL = jetstream.PriorityPolicyPinned, []string{pinGroup}, o.PinnedTTL
	}
	return cc
}
