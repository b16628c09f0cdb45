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
// Absence is never evidence (design.md 1): no row that is missing, no empty page and no record out of scope ever turns
// into a suspension. Only a row that says so, effective today, does.
package transform
