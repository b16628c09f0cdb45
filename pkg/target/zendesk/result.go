package zendesk

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/crash"
)

// results are the elements of a job; an object in place of the list reads as none (zendesk.md 3.3).
type results []wireResult

// UnmarshalJSON never fails: what cannot be read is read back from the records.
func (r *results) UnmarshalJSON(b []byte) error {
	var list []wireResult
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) && json.Unmarshal(b, &list) == nil {
		*r = list
	}
	return nil
}

// wireResult is one element (zendesk.md 3.5). Which keys there are depends on the job.
type wireResult struct {
	Index   *int   `json:"index"`
	ID      int64  `json:"id"`
	Status  string `json:"status"`
	Success *bool  `json:"success"`
	Email   string `json:"email"`
	Ext     string `json:"external_id"`
	Error   string `json:"error"`
	Details string `json:"details"`
}

func (r wireResult) failed() bool {
	return r.Error != "" || strings.EqualFold(r.Status, "failed") || r.Success != nil && !*r.Success
}

// sent is what identifies a record of a job: id for updates, email and external id for creates.
type sent struct {
	id    int64
	email string
	ext   string
}

// fate is what the results say about one record.
type fate struct {
	known  bool
	failed bool
	id     int64
	detail string
}

// match finds each record's element by external id, email, id or index, never by its place in the list. Elements that
// contradict each other or name nothing leave their records unknown.
func match(in []sent, list results) []fate {
	out := make([]fate, len(in))
	clash := make([]bool, len(in))
	for n, r := range list {
		i, ok := whose(in, r)
		if crash.Bug("job-by-position") {
			i, ok = n, n < len(in)
		}
		if !ok {
			continue
		}
		if out[i].known {
			clash[i] = true
			continue
		}
		out[i] = fate{known: true, failed: r.failed(), detail: r.Details}
		if !r.failed() {
			out[i].id = r.ID
		}
	}
	for i := range out {
		if clash[i] || out[i].known && !out[i].failed && out[i].id <= 0 {
			out[i] = fate{}
		}
	}
	return out
}

// whose finds the record of an element. Every key that it carries must agree.
func whose(in []sent, r wireResult) (int, bool) {
	at := -1
	agree := func(i int) bool {
		if i < 0 || at >= 0 && at != i {
			return false
		}
		at = i
		return true
	}
	if r.Ext != "" && !agree(find(in, func(s sent) bool { return strings.EqualFold(s.ext, r.Ext) })) {
		return 0, false
	}
	if r.Email != "" && !agree(find(in, func(s sent) bool { return s.email != "" && strings.EqualFold(s.email, r.Email) })) {
		return 0, false
	}
	if r.Index != nil && !agree(within(*r.Index, len(in))) {
		return 0, false
	}
	updates := len(in) > 0 && in[0].id > 0
	if updates && r.ID > 0 {
		if i := find(in, func(s sent) bool { return s.id == r.ID }); i >= 0 || !r.failed() {
			return at, agree(i)
		}
	}
	if at < 0 && r.failed() && !updates && r.ID >= 0 && r.ID < int64(len(in)) {
		at = int(r.ID) // a failed create names its position in id (zendesk.md 3.5)
	}
	return at, at >= 0
}

func find(in []sent, is func(sent) bool) int {
	for i, s := range in {
		if is(s) {
			return i
		}
	}
	return -1
}

func within(i, n int) int {
	if i < 0 || i >= n {
		return -1
	}
	return i
}
