package app

// garbage is how much may stand beside what is in use before it is collected, in percent. Go's own 100 costs a first
// load of 10,000 people 20 MiB more at its peak and saves 7 % of its processor time (docs/reference/limits.md). A
// fixed limit is no default: what a large tenant needs would lie above it, and collecting would take half the processor.
const garbage = 75

// collect sets how eagerly garbage is collected, unless whoever runs the program has said so with GOGC or GOMEMLIMIT.
// It answers whether it did.
func collect(getenv func(string) string, set func(percent int) int) bool {
	if getenv("GOGC") != "" || getenv("GOMEMLIMIT") != "" {
		return false
	}
	set(garbage)
	return true
}
