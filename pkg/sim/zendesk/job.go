package zendesk

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	jobQueued    = "queued"
	jobWorking   = "working"
	jobCompleted = "completed"
	jobFailed    = "failed"
	jobKilled    = "killed"
)

// job is one bulk job. Its four moments are drawn when it is queued; its records take effect together at effectAt,
// so two jobs may take effect in either order (3.3).
type job struct {
	id, kind, class              string
	total                        int
	queued, start, effectAt, end time.Time
	run                          func(c cause, i int) result
	cause                        cause
	fate                         JobFault
	applied                      bool
	results                      []result
}

type jobStore struct {
	byID map[string]*job
	kept []*job // oldest first
	live []*job // not ended, by queueing
}

// result is one element of a job's results (3.5). Which keys there are depends on the job.
type result struct {
	Index   *int   `json:"index,omitempty"`
	ID      *int64 `json:"id,omitempty"`
	Action  string `json:"action,omitempty"`
	Status  string `json:"status,omitempty"`
	Success *bool  `json:"success,omitempty"`
	Email   string `json:"email,omitempty"`
	Error   string `json:"error,omitempty"`
	Details string `json:"details,omitempty"`
}

type jobView struct {
	ID       string   `json:"id"`
	JobType  string   `json:"job_type,omitempty"`
	URL      string   `json:"url"`
	Total    int      `json:"total"`
	Progress *int     `json:"progress"`
	Status   string   `json:"status"`
	Message  *string  `json:"message"`
	Results  []result `json:"results"`
}

// queue takes a bulk job, or refuses it because too many are there (3.4).
func (s *Sim) queue(c *call, kind, class string, total int, run func(cause, int) result) reply {
	busy := s.running(class)
	if limit := s.opts.MaxJobs; limit > 0 {
		left := max(0, limit-len(busy)-1)
		c.header.Set("Zendesk-RateLimit-inflight-jobs", fmt.Sprintf("total=%d; remaining=%d; resets=60", limit, left))
		if len(busy) >= limit {
			return s.tooManyJobs(class, busy)
		}
	}
	j := &job{
		id: fmt.Sprintf("V3-%016x%016x", s.rng.Uint64(), s.rng.Uint64()), kind: kind, class: class, total: total,
		queued: c.now, run: run, cause: c.cause(""),
	}
	j.cause.job = j.id
	j.end = c.now.Add(s.opts.JobDuration(total))
	j.start = c.now.Add(j.end.Sub(c.now) / 5)
	j.effectAt = j.start
	if width := j.end.Sub(j.start); width > 0 {
		j.effectAt = j.start.Add(time.Duration(s.rng.Int64N(int64(width))))
	}
	if c.fault != nil && c.fault.Job != nil {
		j.fate = *c.fault.Job
	}
	s.jobs.byID[j.id] = j
	s.jobs.kept = append(s.jobs.kept, j)
	s.jobs.live = append(s.jobs.live, j)
	s.counters.Jobs++
	s.counters.MostJobs = max(s.counters.MostJobs, int64(len(s.jobs.live)))
	s.jobs.trim(s.opts.JobsKept)
	return ok(obj{"job_status": s.showJob(j, c.now)})
}

// running are the jobs that count against the limit.
func (s *Sim) running(class string) []*job {
	if !s.opts.Quirks.TooManyJobsPerClass {
		return s.jobs.live
	}
	return slices.DeleteFunc(slices.Clone(s.jobs.live), func(j *job) bool { return j.class != class })
}

func (s *Sim) tooManyJobs(class string, busy []*job) reply {
	s.counters.Limited["jobs"]++
	ids := make([]string, 0, len(busy))
	for _, j := range busy {
		ids = append(ids, j.id)
	}
	return reply{status: s.opts.Quirks.TooManyJobsStatus, body: obj{
		"error":           "TooManyJobs",
		"description":     "Too many " + class + " jobs are currently queued or running. Try again later.",
		"current_job_ids": ids,
	}}
}

// trim forgets the oldest ended jobs beyond n.
func (js *jobStore) trim(n int) {
	for len(js.kept) > n && !slices.Contains(js.live, js.kept[0]) {
		delete(js.byID, js.kept[0].id)
		js.kept = js.kept[1:]
	}
}

// settle lets everything that was due by now take effect, in the order of its moments.
func (s *Sim) settle(now time.Time) {
	for {
		var due *job
		for _, j := range s.jobs.live {
			if !j.applied && !j.effectAt.After(now) && (due == nil || j.effectAt.Before(due.effectAt)) {
				due = j
			}
		}
		if due == nil {
			break
		}
		s.apply(due)
	}
	s.jobs.live = slices.DeleteFunc(s.jobs.live, func(j *job) bool { return j.applied && !j.stuck() && !j.end.After(now) })
}

// stuck jobs never end.
func (j *job) stuck() bool {
	return j.fate.Status != "" && j.fate.Status != jobFailed && j.fate.Status != jobKilled && j.fate.Status != jobCompleted
}

func (s *Sim) apply(j *job) {
	j.applied = true
	n := j.total
	if j.fate.Status != "" && j.fate.Status != jobCompleted && j.fate.Applied >= 0 {
		n = min(n, j.fate.Applied)
	}
	c := j.cause
	c.at = j.effectAt.Truncate(time.Second)
	j.results = make([]result, 0, n)
	for i := range n {
		c.refuse = i < j.fate.Refuse
		r := j.run(c, i)
		if s.opts.Quirks.ResultIndex && r.Index == nil {
			r.Index = &i
		}
		j.results = append(j.results, r)
	}
	if s.opts.Quirks.ShuffleResults || j.fate.Shuffle {
		s.rng.Shuffle(n, func(a, b int) { j.results[a], j.results[b] = j.results[b], j.results[a] })
	}
	j.results = j.results[:max(0, n-s.opts.Quirks.DropResults-j.fate.Drop)]
	j.results = append(j.results, j.results[:min(j.fate.Repeat, len(j.results))]...)
	j.run = nil // lets go of the request
}

func (s *Sim) showJob(j *job, now time.Time) jobView {
	v := jobView{ID: j.id, JobType: j.kind, URL: s.link("job_statuses/%s.json", j.id), Total: j.total, Status: jobQueued}
	if s.opts.Quirks.NoJobType {
		v.JobType = ""
	}
	switch {
	case now.Before(j.start) || !j.applied && !now.Before(j.end): // a job without duration still shows as queued first
	case now.Before(j.end):
		done := int(float64(j.total) * float64(now.Sub(j.start)) / float64(j.end.Sub(j.start)))
		v.Status, v.Progress, v.Message = jobWorking, &done, new(fmt.Sprintf("Working on record #%d", done))
	case j.stuck():
		done := min(j.total, max(0, j.fate.Applied))
		v.Status, v.Progress, v.Message = j.fate.Status, &done, new(fmt.Sprintf("Working on record #%d", done))
	case j.fate.Status == jobKilled:
		v.Status, v.Message = jobKilled, new("Killed at "+j.end.Format("2006-01-02 15:04:05 -0700"))
	case j.fate.Status == jobFailed:
		v.Status, v.Message = jobFailed, new("An unexpected error occurred")
	default:
		v.Status, v.Progress, v.Results = jobCompleted, &j.total, j.results
		v.Message = new("Completed at " + j.end.Format("2006-01-02 15:04:05 -0700"))
	}
	return v
}

// visible finds a job that the account still, or already, shows.
func (s *Sim) visible(id string, now time.Time) *job {
	j := s.jobs.byID[id]
	if j == nil || now.Sub(j.queued) < s.opts.JobHiddenFor || now.Sub(j.queued) > s.opts.JobRetention {
		return nil
	}
	return j
}

func (s *Sim) getJob(c *call) reply {
	j := s.visible(c.r.PathValue("id"), c.now)
	if j == nil {
		return notFound()
	}
	return ok(obj{"job_status": s.showJob(j, c.now)})
}

func (s *Sim) showJobs(c *call) reply {
	ids := c.list("ids")
	if len(ids) > maxBulk {
		return tooManyValues("job_statuses")
	}
	list := []jobView{}
	for _, id := range ids {
		if j := s.visible(id, c.now); j != nil {
			list = append(list, s.showJob(j, c.now))
		}
	}
	return ok(obj{"job_statuses": list})
}

func (s *Sim) listJobs(c *call) reply {
	list := []jobView{}
	for _, j := range slices.Backward(s.jobs.kept) {
		if s.visible(j.id, c.now) != nil {
			list = append(list, s.showJob(j, c.now))
		}
	}
	return offsetPage(s, c, "job_statuses", list)
}

func tooManyValues(what string) reply {
	description := obj{"error": "TooManyValues", "description": "Parameter  cannot specify more than 100 values", "max_count": maxBulk}
	if what == "users" {
		description = obj{"error": "TooManyValues", "description": "Maximum 100 users may be created per call"}
	}
	return reply{status: http.StatusBadRequest, body: description}
}
