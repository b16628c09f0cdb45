package peoplesoft

import "fmt"

// The methods below are Apply with the arguments spelled out. An empty date is today. Every one stamps
// LASTUPDDTTM with the present time in the simulator's zone, except where it says otherwise.

// NewHire is a person to be hired; empty fields are drawn.
type NewHire struct{ EmplID, First, Last, Email, Phone, Dept, Title, PerOrg string }

// Hire adds a person who starts on a day.
func (s *Sim) Hire(h NewHire, start string) (Effect, error) {
	return s.Apply(Event{Type: "hire", EmplID: h.EmplID, First: h.First, Last: h.Last, Email: h.Email, Phone: h.Phone,
		Dept: h.Dept, Title: h.Title, PerOrg: h.PerOrg, Date: start})
}

// FutureHire adds a person who starts after today.
func (s *Sim) FutureHire(h NewHire, start string) (Effect, error) {
	if err := s.future(start); err != nil {
		return Effect{}, err
	}
	return s.Hire(h, start)
}

// Terminate ends all jobs: effdt is the first day not employed.
func (s *Sim) Terminate(emplID, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "terminate", EmplID: emplID, Date: effdt})
}

// FutureTerminate enters a termination for a day after today.
func (s *Sim) FutureTerminate(emplID, effdt string) (Effect, error) {
	if err := s.future(effdt); err != nil {
		return Effect{}, err
	}
	return s.Terminate(emplID, effdt)
}

// TerminateMany ends the jobs of the first n active people.
func (s *Sim) TerminateMany(n int, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "terminate-many", Count: n, Date: effdt})
}

// Rehire makes a leaver active again under the same EMPLID and EMPL_RCD.
func (s *Sim) Rehire(emplID, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "rehire", EmplID: emplID, Date: effdt})
}

// ChangeStatus enters another EMPL_STATUS, for example L for a leave.
func (s *Sim) ChangeStatus(emplID, status, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "status", EmplID: emplID, Status: status, Date: effdt})
}

// ChangeDepartment moves the primary job to a DEPTID.
func (s *Sim) ChangeDepartment(emplID, dept, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "change-department", EmplID: emplID, Dept: dept, Date: effdt})
}

// ChangeTitle gives the primary job a job code with that description.
func (s *Sim) ChangeTitle(emplID, title, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "change-title", EmplID: emplID, Title: title, Date: effdt})
}

// Rename changes given and family name; empty keeps.
func (s *Sim) Rename(emplID, first, last string) (Effect, error) {
	return s.Apply(Event{Type: "rename", EmplID: emplID, First: first, Last: last})
}

// ChangeEmail sets the address.
func (s *Sim) ChangeEmail(emplID, email string) (Effect, error) {
	return s.Apply(Event{Type: "change-email", EmplID: emplID, Email: email})
}

// BlankEmail removes the address.
func (s *Sim) BlankEmail(emplID string) (Effect, error) {
	return s.Apply(Event{Type: "blank-email", EmplID: emplID})
}

// ChangePhone sets the business phone; empty removes it.
func (s *Sim) ChangePhone(emplID, phone string) (Effect, error) {
	return s.Apply(Event{Type: "change-phone", EmplID: emplID, Phone: phone})
}

// SwapEmails exchanges the addresses of two people.
func (s *Sim) SwapEmails(emplID, other string) (Effect, error) {
	return s.Apply(Event{Type: "swap-emails", EmplID: emplID, Other: other})
}

// MoveDate moves the rows of a job (or of all jobs, with rcd below 0) from one EFFDT to another.
func (s *Sim) MoveDate(emplID string, rcd int, from, to string) (Effect, error) {
	return s.Apply(Event{Type: "move-date", EmplID: emplID, Rcd: orAllJobs(rcd), Date: from, To: to})
}

// Withdraw takes back what was entered for a future day, in all jobs.
func (s *Sim) Withdraw(emplID, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "withdraw", EmplID: emplID, Date: effdt})
}

// AddJob adds a concurrent job in a department (empty: any).
func (s *Sim) AddJob(emplID, dept, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "add-job", EmplID: emplID, Dept: dept, Date: effdt})
}

// EndJob ends one job; the others go on.
func (s *Sim) EndJob(emplID string, rcd int, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "end-job", EmplID: emplID, Rcd: &rcd, Date: effdt})
}

// CorrectHistory inserts a row with another department between two old rows.
func (s *Sim) CorrectHistory(emplID, dept, effdt string) (Effect, error) {
	return s.Apply(Event{Type: "correct-history", EmplID: emplID, Dept: dept, Date: effdt})
}

// DeleteRow removes one JOB row in correction mode. It stamps nothing: only a full read can notice.
func (s *Sim) DeleteRow(emplID string, rcd int, effdt string, effseq int) (Effect, error) {
	return s.Apply(Event{Type: "delete-row", EmplID: emplID, Rcd: &rcd, Date: effdt, Seq: effseq})
}

// Touch gives the first n people (0: all) one and the same LASTUPDDTTM.
func (s *Sim) Touch(n int) (Effect, error) { return s.Apply(Event{Type: "touch", Count: n}) }

// RenameDepartment changes the description of a DEPTID. It stamps no JOB row.
func (s *Sim) RenameDepartment(dept, descr string) (Effect, error) {
	return s.Apply(Event{Type: "rename-department", Dept: dept, Name: descr})
}

// VendorAdd adds a vendor under SETID SHARE.
func (s *Sim) VendorAdd(name, email string) (Effect, error) {
	return s.Apply(Event{Type: "vendor-add", Name: name, Email: email})
}

// VendorRename sets NAME1; empty leaves the vendor without a name.
func (s *Sim) VendorRename(setID, id, name string) (Effect, error) {
	return s.Apply(Event{Type: "vendor-rename", SetID: setID, VendorID: id, Name: name})
}

// VendorInactivate sets VENDOR_STATUS I.
func (s *Sim) VendorInactivate(setID, id string) (Effect, error) {
	return s.VendorStatus(setID, id, "I")
}

// VendorStatus sets VENDOR_STATUS (peoplesoft.md 2.8).
func (s *Sim) VendorStatus(setID, id, status string) (Effect, error) {
	return s.Apply(Event{Type: "vendor-status", SetID: setID, VendorID: id, Status: status})
}

func (s *Sim) future(day string) error {
	if today := s.Today(); day <= today {
		return fmt.Errorf("date %q: want a day after %s", day, today)
	}
	return nil
}

func orAllJobs(rcd int) *int {
	if rcd < 0 {
		return nil
	}
	return &rcd
}
