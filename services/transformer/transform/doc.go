// Package transform is the one translator between the two vocabularies: it speaks erp (what the source says) and
// directory (what the desk should hold), and nothing else in the system does.
//
//	facts.v1 ──▶ merge into the ledger ──▶ resolve as of today in the tenant's zone ──▶ wanted.v1
//	wake     ──▶        (no facts)     ──▶ resolve as of today                      ──▶ wanted.v1
//
// Three layers, from pure to busy:
//
//   - Merge folds facts into a ledger: per field the newest statement holds, in whatever order they arrive.
//   - Resolve computes, from a ledger, a day and a tenant's Policy, what the desk should hold and why. It reads no
//     clock and keeps nothing: the same input gives the same Decision for ever.
//   - Service moves messages: it loads rows, merges, resolves, saves with compare-and-set, publishes, arms wake-ups.
//     It may die after any line; the redelivered message, Sweep and Rearm bring every record to the same end.
//
// Between resolving and publishing stands the guard (design.md 6). What it counts is staged in the save of the ledger
// row and waits as a whole, the other fields of the record with it; what it does not count flows on:
//
//	staged ──▶ its set is whole: within the limit ──▶ granted ──▶ resolved again as of now, handed on, counted
//	  ▲                        over the limit ──▶ held ──▶ a person approves ──▶ granted
//	  └── the source changed it since ◀── rejected ◀───────── a person rejects
//
// From everywhere, a change that is no longer wanted leaves. The set of a poll cycle is whole when the cycle ended and
// its facts are settled; wake-ups and other causes are one set when nothing came for a while; messages of the
// Integration Broker count one by one.
//
// Absence is never evidence (design.md 1): no row that is missing, no empty page and no record out of scope ever turns
// into a suspension. Only a row that says so, effective today, does.
package transform
