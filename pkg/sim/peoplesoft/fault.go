package peoplesoft

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// FaultKind names one thing that goes wrong. The numbers refer to failures.md 3.4.
type FaultKind string

// Answers that replace the real one.
const (
	FaultStatus    FaultKind = "status"     // Status (default 503), with the page such a status comes with (P12, P13)
	FaultErrorJSON FaultKind = "error-json" // 200 with a JSON status other than success (P02)
	FaultErrorXML  FaultKind = "error-xml"  // 200 with IBResponse type="error" (P02)
	FaultSOAP      FaultKind = "soap-fault" // 200 with a SOAP Fault (P02)
	FaultSignIn    FaultKind = "sign-in"    // 200 with the HTML sign-in page (P01)
	FaultGateway   FaultKind = "gateway"    // 200 with the gateway's status page (P01)
	FaultWebLogic  FaultKind = "weblogic"   // 200 with a web server's error page (P01)
	FaultEmptyBody FaultKind = "empty-body" // 200 with nothing (P01)
	FaultWrongNode FaultKind = "wrong-node" // as if the node did not exist (P13)
	FaultRedirect  FaultKind = "redirect"   // 302 to Location, default another host
)

// What happens to a real answer on its way.
const (
	FaultHTMLType    FaultKind = "html-type"    // the real body as text/html (P01)
	FaultShortLength FaultKind = "short-length" // Content-Length of the whole, only N bytes, then the connection closes (P03)
	FaultChunkCut    FaultKind = "chunk-cut"    // chunked, N bytes, no last chunk (P03)
	FaultCut         FaultKind = "cut"          // a well-formed answer that holds only the first N bytes (P03)
	FaultSlow        FaultKind = "slow"         // Delay before the first byte (P14)
	FaultDrip        FaultKind = "drip"         // N bytes (default 1), then Delay, and so on (P14)
	FaultStall       FaultKind = "stall"        // N bytes, then nothing until the client leaves or Delay has passed (P14)
	FaultReset       FaultKind = "reset"        // the connection is reset before any byte
)

// What is wrong with the rows. These combine with each other.
const (
	FaultCap        FaultKind = "cap"         // at most N rows, whatever maxrows says (P04)
	FaultZeroRows   FaultKind = "zero-rows"   // success with no rows (P06)
	FaultHalfRows   FaultKind = "half-rows"   // about half of the people or vendors are hidden (P06)
	FaultDepartment FaultKind = "department"  // only DEPTID (vendors: SETID) Value is visible (P06)
	FaultStale      FaultKind = "stale"       // the state Delay ago, default 24 h (P16)
	FaultDuplicates FaultKind = "duplicates"  // every Nth row (default 3rd) comes twice (P09)
	FaultDrift      FaultKind = "drift"       // Column (default LASTUPDDTTM) changes type in N percent of the rows, default all (P11)
	FaultDropColumn FaultKind = "drop-column" // Column is left out (P10)
	FaultUniform    FaultKind = "uniform"     // every row has Value in Column; several are separated by commas
	FaultClock      FaultKind = "clock"       // every LASTUPDDTTM is off by Delay (K04)
	FaultUnsorted   FaultKind = "unsorted"    // the rows of an answer are shuffled
	FaultLate       FaultKind = "late"        // events become visible up to Delay late, while the fault stands (P08)
	FaultLockOut    FaultKind = "lock-out"    // the account locks after N bad passwords in a row (default 3), while the fault stands (P12)
)

// Fault is one line of the fault script.
type Fault struct {
	Kind     FaultKind     `json:"kind"`
	On       string        `json:"on,omitempty"`    // query (default), rest, gateway, token or all
	Query    string        `json:"query,omitempty"` // only this query or REST service
	Skip     int           `json:"skip,omitempty"`  // so many matching requests pass first
	Times    int           `json:"times,omitempty"` // then so many are hit; 0: until cleared
	N        int           `json:"n,omitempty"`     // rows, bytes or percent; bytes 0: half of the body
	Delay    time.Duration `json:"-"`               // over HTTP as "delay", for example "250ms"
	Status   int           `json:"status,omitempty"`
	Column   string        `json:"column,omitempty"`
	Value    string        `json:"value,omitempty"`
	Location string        `json:"location,omitempty"`
}

func faultKinds() []FaultKind {
	return []FaultKind{
		FaultStatus, FaultErrorJSON, FaultErrorXML, FaultSOAP, FaultSignIn, FaultGateway, FaultWebLogic, FaultEmptyBody, FaultWrongNode, FaultRedirect,
		FaultHTMLType, FaultShortLength, FaultChunkCut, FaultCut, FaultSlow, FaultDrip, FaultStall, FaultReset,
		FaultCap, FaultZeroRows, FaultHalfRows, FaultDepartment, FaultStale, FaultDuplicates, FaultDrift, FaultDropColumn, FaultUniform, FaultClock, FaultUnsorted, FaultLate, FaultLockOut,
	}
}

// Fault adds a line to the fault script. Several lines may hit one request.
func (s *Sim) Fault(f Fault) error {
	if !slices.Contains(faultKinds(), f.Kind) {
		return fmt.Errorf("fault kind %q: want one of %v", f.Kind, faultKinds())
	}
	if f.On == "" {
		f.On = onQuery
	}
	if !slices.Contains([]string{onQuery, onREST, onGateway, onToken, "all"}, f.On) {
		return fmt.Errorf("fault on %q: want query, rest, gateway, token or all", f.On)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Kind {
	case FaultLate:
		s.late = f.Delay
	case FaultLockOut:
		s.lockAfter = orInt(f.N, 3)
	default:
		s.faults = append(s.faults, &f)
	}
	return nil
}

// ClearFaults ends all faults. Commits that are late stay late, a locked account stays locked.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.late, s.lockAfter = nil, 0, s.opt.LockAfter
}

// script is the set of faults that hit one request, by kind; the first line of a kind wins.
type script map[FaultKind]*Fault

// hits takes the faults for a request and counts them down.
func (s *Sim) hits(on, query string) script {
	s.mu.Lock()
	defer s.mu.Unlock()
	hit := script{}
	kept := s.faults[:0]
	for _, f := range s.faults {
		if (f.On != "all" && f.On != on) || (f.Query != "" && !strings.EqualFold(f.Query, query)) || hit[f.Kind] != nil {
			kept = append(kept, f)
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			kept = append(kept, f)
			continue
		}
		copied := *f
		hit[f.Kind] = &copied
		if f.Times--; f.Times != 0 {
			f.Times = max(f.Times, 0) // 0 before: for ever
			kept = append(kept, f)
		}
	}
	clear(s.faults[len(kept):])
	s.faults = kept
	return hit
}

func (c script) names() []string {
	var all []string
	for kind := range c {
		all = append(all, string(kind))
	}
	slices.Sort(all)
	return all
}

// security is what the faults do to the visible rows.
func (c script) security() security {
	var sec security
	sec.none, sec.half = c[FaultZeroRows] != nil, c[FaultHalfRows] != nil
	if f := c[FaultDepartment]; f != nil {
		sec.dept = f.Value
	}
	if f := c[FaultStale]; f != nil {
		sec.age = max(f.Delay, 0)
		if f.Delay == 0 {
			sec.age = 24 * time.Hour
		}
	}
	if f := c[FaultClock]; f != nil {
		sec.offset = f.Delay
	}
	return sec
}
