// Package natsbus is the bus on NATS JetStream (broker.md). It holds the topology as code, the wire format, the
// poller's atomic pages, the table as a max-register, consumers that acknowledge last, and message schedules.
//
// Messages are structured CloudEvents JSON. Headers repeat what is needed without decoding: Ml-Version (20 digits),
// Ml-Type, and the message id under the name that watermill-nats uses, so that Watermill tools can read our streams.
// Headers of the broker (Nats-…) never travel on.
//
// Nats-Msg-Id is set where nothing else makes a repeat harmless (facts outside pages, DESK, AUDIT, DEAD). Pages carry
// none: their cursor's compare-and-set decides, and a page that is read again must not fail because its ids are known.
// The table carries none: the version decides, and a touch repeats a version on purpose.
package natsbus
