// Package model is the specification as a program (failures.md 4.7): a small and separately written model of what
// Zendesk must hold for any history of PeopleSoft rows, and property tests that feed random histories to the real
// transformer, the real writer and the real Zendesk adapter in front of the simulated Zendesk, and compare.
//
// The model (truth_test.go, rule_test.go) shares no code with the product: it reads rows as text and applies
// peoplesoft.md 2.8, 2.9 and 2.11 again, in the plainest way. Where the two differ, the reference decides.
//
// Each history runs in a synctest bubble: hours and retries cost nothing. Bus and store are in memory and keep the
// promises of their contracts, the bad ones too: duplicates, redelivery, reordering, a process that dies between any
// two calls (bus_test.go, store_test.go). The oracles O1 to O6 of failures.md 2.3 are in oracle_test.go.
package model
