package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// settled brings the company to rest without a full reading, which would heal what was lost, and answers everything
// that the oracles complain about.
func (r *rig) settled() []string {
	drain, cancel := context.WithTimeout(context.Background(), r.rest)
	defer cancel()
	if !r.PS.Drained(drain) {
		return []string{fmt.Sprintf("O9: PeopleSoft's messages were not all taken: %+v", r.PS.Queues())}
	}
	for range 2 { // the first may only finish a window that a dead process left; what changed since is the next one's
		if err := r.sync(false); err != nil {
			return []string{err.Error()}
		}
	}
	bad := r.verdict()
	bad = append(bad, effects(r.ZD)...)
	bad = append(bad, r.trail()...)
	bad = append(bad, r.secrets()...)
	return bad
}

// verdict is O1, O2, O4 and O7: Zendesk holds what PeopleSoft says, field by field, or the record waits with a reason.
func (r *rig) verdict() []string {
	found, err := r.client.Findings(context.Background(), acme)
	if err != nil {
		return []string{err.Error()}
	}
	excused := map[string]bool{}
	for _, f := range found {
		if f.Hold && f.Stage == "zendesk-writer" {
			excused[f.Key] = true
		}
	}
	bad := r.judge.Verdict(excused)
	for i := range bad {
		bad[i] = "O2: " + bad[i]
	}
	if len(excused) > 10 {
		bad = append(bad, fmt.Sprintf("O2: %d records wait for a person", len(excused)))
	}
	return bad
}

var (
	titled  = regexp.MustCompile(`Campaign (\d{6})`)
	address = regexp.MustCompile(`c\d+\.(\w+)@example\.com`)
)

// effects reads Zendesk's own log: one create for each external id, no suspension of somebody suspended (O3), no delete
// (O4), titles that only grow (O5), addresses only on their owner's object (O6).
func effects(zd *zdsim.Sim) (bad []string) {
	created, suspended, newest := map[string]int{}, map[string]bool{}, map[string]int{}
	for _, e := range zd.Effects() {
		if e.RequestID == "" || e.ExternalID == "" {
			continue
		}
		switch id := e.Kind + " " + e.ExternalID; e.Verb {
		case "create":
			if created[id]++; created[id] > 1 {
				bad = append(bad, "O3: created again: "+id)
			}
		case "suspend":
			if suspended[id] {
				bad = append(bad, "O3: suspended again: "+id)
			}
			suspended[id] = true
		case "restore":
			suspended[id] = false
		}
		after, _ := json.Marshal(e.After)
		if m := titled.FindSubmatch(after); m != nil {
			n, _ := strconv.Atoi(string(m[1]))
			if n < newest[e.ExternalID] {
				bad = append(bad, fmt.Sprintf("O5: %s went back from title %d to %d", e.ExternalID, newest[e.ExternalID], n))
			}
			newest[e.ExternalID] = n
		}
		if m := address.FindSubmatch(after); m != nil && e.Kind == "user" && !strings.EqualFold(e.ExternalID, "psft:emp:"+string(m[1])) {
			bad = append(bad, fmt.Sprintf("O6: the address of %s on %s", m[1], e.ExternalID))
		}
	}
	if n := zd.Counters(); n.Deletes > 0 || n.OverBudget > 0 || n.TooSoon > 0 || n.Reused > 0 {
		bad = append(bad, fmt.Sprintf("O4, O7: %d deletes, %d calls over the limit, %d too soon, %d spent tokens used", n.Deletes, n.OverBudget, n.TooSoon, n.Reused))
	}
	return bad
}

// trail is O11: the chain verifies, and of what was touched every version has one end at most, and an applied one its
// decision.
func (r *rig) trail() (bad []string) {
	ctx := context.Background()
	v, err := r.client.VerifyAudit(ctx, acme, nil)
	if err != nil || !v.OK {
		return []string{fmt.Sprintf("O11: the chain: %+v, %v", v, err)}
	}
	n := 0
	for key := range r.work.touched {
		if n++; n > 400 {
			break
		}
		rows, err := r.client.Audit(ctx, acme, audit.Query{Ref: record.Ref{Kind: record.Employee, Key: key}, Limit: 1000})
		if err != nil {
			return []string{err.Error()}
		}
		bad = append(bad, ends(key, rows)...)
	}
	return bad
}

// terminal are the outcomes that end a record's version at the writer (failures.md 2.1).
var terminal = []audit.Outcome{audit.Applied, audit.Verified, audit.Unchanged, audit.Superseded, audit.Held, audit.Rejected, audit.Dead}

func ends(key string, rows []adminapi.AuditEntry) (bad []string) {
	ids, ended, resolved := map[string]bool{}, map[uint64]int{}, map[uint64]int{}
	newest, closed := uint64(0), uint64(0)
	for _, e := range rows {
		if ids[e.ID] {
			bad = append(bad, "O11: an entry twice: "+key+" "+e.ID)
		}
		ids[e.ID] = true
		if e.Stage == string(audit.Writer) && slices.Contains(terminal, audit.Outcome(e.Outcome)) {
			closed = max(closed, e.Version)
		}
		switch {
		case e.Stage == string(audit.Transformer) && e.Outcome == string(audit.Resolved) && e.Version > 0:
			resolved[e.Version]++
			newest = max(newest, e.Version)
		case e.Stage == string(audit.Writer) && e.Outcome == string(audit.Applied):
			ended[e.Version]++
		}
	}
	if closed < newest {
		bad = append(bad, fmt.Sprintf("O11: version %d of %s was decided and nothing says how it ended", newest, key))
	}
	for version, n := range ended {
		if n > 1 || resolved[version] != 1 {
			bad = append(bad, fmt.Sprintf("O11: version %d of %s was decided %d times and applied %d times", version, key, resolved[version], n))
		}
	}
	return bad
}
