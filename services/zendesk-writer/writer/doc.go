// Package writer brings wanted states to the target: fetch, keep what is not yet applied, journal, plan, apply,
// commit, settle. One loop per tenant and lane is active in all processes (pinned consumers); the journal, and not
// the pin, makes a takeover safe.
//
//	fetch ─▶ drop what is applied ─▶ journal row ─▶ plan ─▶ apply ─▶ one transaction ─▶ settle each message
//	                                     │                              (links, audit, findings,
//	                                     └── survives a crash:           quarantine, journal)
//	                                         takeover settles it
//
// What can go wrong, and what then happens:
//   - a crash between any two steps: the batch stays in the journal; whoever comes next waits until its calls can have
//     no further effect, forgets what was believed to be applied, and touches its records, so that the target is read
//   - an outcome nobody knows: the record is quarantined for the life of a call, then the target is read
//   - the account refuses everything (credential, breaker, rate): pulling stops; nothing is nacked in a loop
//   - a record is refused for good: dead letter; a record waits for a person: finding, acknowledged, touched daily
package writer
