// Package writer brings wanted states to the target: fetch, journal, drop what is applied, plan, apply, commit, settle.
// One loop per tenant and lane is active in all processes (pinned consumers); the journal, and not the pin, makes two
// writers and a takeover safe.
//
//	fetch ─▶ journal row ─▶ links: drop what is applied ─▶ plan ─▶ apply ─▶ one transaction ─▶ settle each message
//	              │                                                          (links, audit, findings,
//	              └── survives a crash: takeover settles it                   quarantine, journal)
//
// What can go wrong, and what then happens:
//   - two writers: a record is in one unfinished batch only, and links are read after the journal row is there, so
//     that a late, older state is seen to be superseded
//   - a crash between any two steps: the batch stays in the journal; whoever comes next waits until its calls and jobs
//     can have no further effect, forgets what was believed to be applied, and touches its records: the target is read
//   - an outcome nobody knows: the record is quarantined for the life of a call, then the target is read
//   - the account refuses everything (credential, breaker, rate): pulling stops, then one record at a time finds out
//   - a record is refused for good: dead letter; a record waits for a person: finding, acknowledged, touched daily
//   - a record trips over a bug of ours: it is tried alone, and buried after bus.MaxAttempts
package writer
