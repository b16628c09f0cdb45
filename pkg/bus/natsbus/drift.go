package natsbus

import (
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// difference is one field that is not as it must be. repair writes the wanted value where that loses nothing; nil
// means that a person must decide.
type difference[C any] struct {
	field      string
	want, have any
	repair     func(*C)
}

func differ[C, V any](list []difference[C], same bool, field string, want, have V, repair func(*C)) []difference[C] {
	if same {
		return list
	}
	return append(list, difference[C]{field, want, have, repair})
}

// streamDrift compares. Widening a limit and switching on an ability lose nothing and are repaired; a limit that an
// operator made wider than ours stays.
func streamDrift(want, have jetstream.StreamConfig) []difference[jetstream.StreamConfig] {
	type C = jetstream.StreamConfig
	var d []difference[C]
	slices.Sort(want.Subjects)
	slices.Sort(have.Subjects)
	d = differ(d, slices.Equal(want.Subjects, have.Subjects), "subjects", want.Subjects, have.Subjects, nil)
	d = differ(d, want.Retention == have.Retention, "retention", want.Retention, have.Retention, nil)
	d = differ(d, want.Storage == have.Storage, "storage", want.Storage, have.Storage, nil)
	d = differ(d, want.Discard == have.Discard, "discard", want.Discard, have.Discard, nil)
	d = differ(d, want.DenyDelete == have.DenyDelete, "deny_delete", want.DenyDelete, have.DenyDelete, nil)
	d = differ(d, want.Replicas == have.Replicas, "num_replicas", want.Replicas, have.Replicas, nil)
	d = differ(d, want.MaxMsgsPerSubject == have.MaxMsgsPerSubject, "max_msgs_per_subject", want.MaxMsgsPerSubject, have.MaxMsgsPerSubject, nil)
	d = differ(d, want.AllowMsgSchedules == have.AllowMsgSchedules, "allow_msg_schedules", want.AllowMsgSchedules, have.AllowMsgSchedules, nil)
	d = differ(d, !have.NoAck, "no_ack", false, have.NoAck, nil)
	d = differ(d, !have.Sealed, "sealed", false, have.Sealed, nil)
	d = differ(d, wideEnough(int64(want.MaxAge), int64(have.MaxAge)), "max_age", want.MaxAge, have.MaxAge, func(c *C) { c.MaxAge = want.MaxAge })
	d = differ(d, wideEnough(want.MaxBytes, have.MaxBytes), "max_bytes", want.MaxBytes, have.MaxBytes, func(c *C) { c.MaxBytes = want.MaxBytes })
	d = differ(d, wideEnough(want.MaxMsgs, have.MaxMsgs), "max_msgs", want.MaxMsgs, have.MaxMsgs, func(c *C) { c.MaxMsgs = want.MaxMsgs })
	d = differ(d, wideEnough(int64(want.MaxMsgSize), int64(have.MaxMsgSize)), "max_msg_size", want.MaxMsgSize, have.MaxMsgSize, func(c *C) { c.MaxMsgSize = want.MaxMsgSize })
	d = differ(d, have.Duplicates >= want.Duplicates, "duplicate_window", want.Duplicates, have.Duplicates, func(c *C) { c.Duplicates = want.Duplicates })
	d = differ(d, have.AllowDirect || !want.AllowDirect, "allow_direct", want.AllowDirect, have.AllowDirect, func(c *C) { c.AllowDirect = true })
	d = differ(d, have.AllowAtomicPublish || !want.AllowAtomicPublish, "allow_atomic", want.AllowAtomicPublish, have.AllowAtomicPublish, func(c *C) { c.AllowAtomicPublish = true })
	d = differ(d, have.AllowMsgTTL || !want.AllowMsgTTL, "allow_msg_ttl", want.AllowMsgTTL, have.AllowMsgTTL, func(c *C) { c.AllowMsgTTL = true })
	d = differ(d, have.AllowRollup || !want.AllowRollup, "allow_rollup_hdrs", want.AllowRollup, have.AllowRollup, func(c *C) { c.AllowRollup = true })
	return d
}

// wideEnough compares limits of which zero or less means none.
func wideEnough(want, have int64) bool { return have <= 0 || want > 0 && have >= want }

func consumerDrift(want, have jetstream.ConsumerConfig) []difference[jetstream.ConsumerConfig] {
	type C = jetstream.ConsumerConfig
	var d []difference[C]
	d = differ(d, want.FilterSubject == have.FilterSubject && len(have.FilterSubjects) == 0, "filter_subject", want.FilterSubject, have.FilterSubject, nil)
	d = differ(d, want.DeliverPolicy == have.DeliverPolicy, "deliver_policy", want.DeliverPolicy, have.DeliverPolicy, nil)
	d = differ(d, want.AckPolicy == have.AckPolicy, "ack_policy", want.AckPolicy, have.AckPolicy, nil)
	d = differ(d, have.DeliverSubject == "", "deliver_subject", "", have.DeliverSubject, nil)
	d = differ(d, want.PriorityPolicy == have.PriorityPolicy && slices.Equal(want.PriorityGroups, have.PriorityGroups), "priority_policy", want.PriorityPolicy, have.PriorityPolicy, nil)
	d = differ(d, have.MaxDeliver == -1, "max_deliver", -1, have.MaxDeliver, func(c *C) { c.MaxDeliver = -1 })
	d = differ(d, len(have.BackOff) == 0, "backoff", nil, have.BackOff, func(c *C) { c.BackOff = nil })
	d = differ(d, want.AckWait == have.AckWait, "ack_wait", want.AckWait, have.AckWait, func(c *C) { c.AckWait = want.AckWait })
	d = differ(d, want.MaxAckPending == have.MaxAckPending, "max_ack_pending", want.MaxAckPending, have.MaxAckPending, func(c *C) { c.MaxAckPending = want.MaxAckPending })
	d = differ(d, want.PinnedTTL == have.PinnedTTL, "priority_timeout", want.PinnedTTL, have.PinnedTTL, func(c *C) { c.PinnedTTL = want.PinnedTTL })
	return d
}

// repaired applies the harmless repairs to have. It fails with BROKER_DRIFT, naming every difference, when one of
// them is not ours to repair.
func repaired[C any](name string, have C, diffs []difference[C]) (C, error) {
	detail := ""
	for _, d := range diffs {
		if d.repair == nil {
			detail += fmt.Sprintf("; %s: %s is %v, want %v", name, d.field, d.have, d.want)
			continue
		}
		d.repair(&have)
	}
	if detail != "" {
		return have, fault.New(fault.Config, fault.BrokerDrift, detail[2:])
	}
	return have, nil
}
