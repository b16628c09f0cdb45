package fault

import "slices"

// Severity says how much a finding matters.
type Severity string

// The severities. A finding that keeps a record waiting is a Hold, whatever its code says.
const (
	Info    Severity = "info"    // as it should be, told so that nobody wonders
	Warning Severity = "warning" // something is missing or wrong and should be corrected in PeopleSoft or the settings
	Hold    Severity = "hold"    // a record or a connection waits until somebody acts
)

// Severity of a finding with this code that keeps nothing waiting.
func (c Code) Severity() Severity {
	if slices.Contains([]Code{OutOfScope, NotStarted, NoJob, SkipNeverActive, GuardRejected, SourceBusy, TargetRate, TargetJobs, Recovered}, c) {
		return Info
	}
	return Warning
}

// SeverityOf is the severity of a finding.
func SeverityOf(c Code, holds bool) Severity {
	if holds {
		return Hold
	}
	return c.Severity()
}
