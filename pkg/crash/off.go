//go:build !faultpoints

package crash

// Point is a place where the process may die. name is one of docs/reference/campaign.md.
func Point(string) {}

// Bug tells whether a deliberate mistake is switched on. It never is in a shipped program.
func Bug(string) bool { return false }
