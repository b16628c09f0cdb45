// Package e2e holds the tests of the whole system against both simulators: in one process, as real programs that are
// killed, and as separate services.
package e2e
