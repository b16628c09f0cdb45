// Package campaign kills the real programs at random moments and at every named crash point of package crash, starts
// them again, and asks the oracles of failures.md 2.3 in the end. It also makes twelve deliberate mistakes, one at a
// time, and must notice each. Its figures are in campaign.json; docs/reference/campaign.md explains them.
package campaign
