package transform

import "strings"

// PeopleSoft's translate columns arrive as codes or as long names, depending on how the query's author set them
// (peoplesoft.md 3.2). Each function below gives the code for either, in any case; a value that nobody knows comes
// back trimmed and in upper case, with known false.

// emplStatus reads EMPL_STATUS (peoplesoft.md 2.8).
func emplStatus(s string) (code string, known bool) {
	switch fold(s) {
	case "a", "active":
		return "A", true
	case "l", "leave of absence":
		return "L", true
	case "p", "leave with pay", "paid leave of absence":
		return "P", true
	case "s", "suspended":
		return "S", true
	case "w", "short work break":
		return "W", true
	case "d", "deceased":
		return "D", true
	case "q", "retired with pay":
		return "Q", true
	case "r", "retired":
		return "R", true
	case "t", "terminated":
		return "T", true
	case "u", "terminated with pay":
		return "U", true
	case "v", "terminated pension pay out":
		return "V", true
	case "x", "retired-pension administration":
		return "X", true
	}
	return upper(s), false
}

// employed is Oracle's own split of the EMPL_STATUS codes: still employed or not (peoplesoft.md 2.8).
func employed(code string) bool {
	switch code {
	case "A", "L", "P", "S", "W":
		return true
	}
	return false
}

// activeFlag reads HR_STATUS and EFF_STATUS.
func activeFlag(s string) (active, known bool) {
	switch fold(s) {
	case "a", "active":
		return true, true
	case "i", "inactive":
		return false, true
	}
	return false, false
}

// perOrg reads PER_ORG.
func perOrg(s string) string {
	switch fold(s) {
	case "employee":
		return "EMP"
	case "contingent worker":
		return "CWR"
	case "person of interest":
		return "POI"
	}
	return upper(s)
}

// isPrimary reads JOB_INDICATOR, which some sites maintain by hand or not at all (peoplesoft.md 2.9).
func isPrimary(s string) bool {
	switch fold(s) {
	case "p", "primary", "primary job":
		return true
	}
	return false
}

// isYes reads a Y/N flag.
func isYes(s string) bool {
	switch fold(s) {
	case "y", "yes", "1", "true":
		return true
	}
	return false
}

// vendorStatus reads VENDOR_STATUS (peoplesoft.md 2.8).
func vendorStatus(s string) (code string, known bool) {
	switch fold(s) {
	case "a", "approved":
		return "A", true
	case "d", "denied":
		return "D", true
	case "e", "unapproved":
		return "E", true
	case "u":
		return "U", true
	case "i", "inactive":
		return "I", true
	case "x", "to be archived", "to archive":
		return "X", true
	}
	return upper(s), false
}

// vendorClass reads VENDOR_CLASS.
func vendorClass(s string) string {
	switch fold(s) {
	case "attorney":
		return "A"
	case "employee":
		return "E"
	case "hcm":
		return "H"
	case "outside party", "supplier":
		return "R"
	}
	return upper(s)
}

// persistence reads VENDOR_PERSISTENCE.
func persistence(s string) string {
	switch fold(s) {
	case "one time", "one-time":
		return "O"
	case "permanent":
		return "P"
	case "regular":
		return "R"
	case "single payment", "single":
		return "S"
	}
	return upper(s)
}

func fold(s string) string  { return strings.ToLower(strings.TrimSpace(s)) }
func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }
