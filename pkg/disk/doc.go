// Package disk watches how much room is left where we write. A full disk breaks a JetStream store until it is
// restarted (failures.md fact 3), so that intake stops before that: below a floor nothing new comes in, while what is
// there drains. Above it everything goes on by itself.
package disk
