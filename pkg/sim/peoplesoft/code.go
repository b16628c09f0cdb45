package peoplesoft

// meaning is the long name of a translate value and whether it still counts as employed (peoplesoft.md 2.8).
type meaning struct {
	long     string
	employed bool
}

func emplStatus() map[string]meaning {
	return map[string]meaning{
		"A": {"Active", true}, "L": {"Leave of Absence", true}, "P": {"Leave With Pay", true}, "S": {"Suspended", true}, "W": {"Short Work Break", true},
		"D": {"Deceased", false}, "Q": {"Retired With Pay", false}, "R": {"Retired", false}, "T": {"Terminated", false},
		"U": {"Terminated With Pay", false}, "V": {"Terminated Pension Pay Out", false}, "X": {"Retired-Pension Administration", false},
	}
}

func vendorStatus() map[string]string {
	return map[string]string{"A": "Approved", "D": "Denied", "E": "Unapproved", "I": "Inactive", "X": "To Be Archived"}
}

// longNames gives the long name of every translate column, by column and code.
func longNames() map[string]map[string]string {
	status := map[string]string{}
	for code, m := range emplStatus() {
		status[code] = m.long
	}
	return map[string]map[string]string{
		"EMPL_STATUS":        status,
		"HR_STATUS":          {"A": "Active", "I": "Inactive"},
		"PER_ORG":            {"EMP": "Employee", "CWR": "Contingent Worker", "POI": "Person of Interest"},
		"JOB_INDICATOR":      {"P": "Primary Job", "S": "Secondary Job", "N": "Not Applicable"},
		"VENDOR_STATUS":      vendorStatus(),
		"VENDOR_CLASS":       {"A": "Attorney", "E": "Employee", "H": "HCM", "R": "Outside Party"},
		"VENDOR_PERSISTENCE": {"O": "One Time", "P": "Permanent", "R": "Regular", "S": "Single Payment"},
	}
}
