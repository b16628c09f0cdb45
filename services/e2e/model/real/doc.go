// Package real plays random histories on everything that is real but the two ends: PeopleSoft's simulator is polled, the
// embedded broker carries, SQLite keeps, several tenants work beside each other in one process, and the process is
// stopped in the middle. Package model plays the same kind of histories in a bubble, where time costs nothing.
package real
