package peoplesoft

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// control is the API of the simulator itself, described in the package comment.
func (s *Sim) control(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	read := func(path string, give func(*http.Request) any) {
		mux.HandleFunc("GET /_sim/"+path, func(w http.ResponseWriter, r *http.Request) { reply(w, give(r), nil) })
	}
	do := func(path string, act func(*http.Request) (any, error)) {
		mux.HandleFunc("POST /_sim/"+path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
			content, err := act(r)
			reply(w, content, err)
		})
	}
	s.reads(read)
	s.acts(do)
	s.senderReads(read)
	s.senderActs(do)
	mux.ServeHTTP(w, r)
}

func (s *Sim) reads(read func(string, func(*http.Request) any)) {
	read("truth", func(r *http.Request) any { return s.Truth(r.FormValue("day")) })
	read("requests", func(*http.Request) any { return s.Requests() })
	read("counts", func(*http.Request) any { return s.Counts() })
	read("events", func(*http.Request) any { return s.EventTypes() })
	read("employees", func(r *http.Request) any { return s.Records(r.FormValue("after"), number(r, "limit", 100)) })
	read("departments", func(*http.Request) any { return s.Departments() })
	read("clock", func(*http.Request) any {
		return map[string]string{"now": s.Now().Format(time.RFC3339Nano), "today": s.Today(), "zone": s.opt.Zone.String()}
	})
}

func (s *Sim) acts(do func(string, func(*http.Request) (any, error))) {
	do("event", func(r *http.Request) (any, error) {
		var e Event
		if err := decode(r, &e); err != nil {
			return nil, err
		}
		return s.Apply(e)
	})
	do("fault", func(r *http.Request) (any, error) {
		var f struct {
			Fault
			Delay string `json:"delay"`
		}
		if err := decode(r, &f); err != nil {
			return nil, err
		}
		return done(delayed(f.Fault, f.Delay, s.Fault))
	})
	do("quirks", func(r *http.Request) (any, error) {
		var q Quirks
		if err := decode(r, &q); err != nil {
			return nil, err
		}
		s.SetQuirks(q)
		return done(nil)
	})
	do("advance", func(r *http.Request) (any, error) {
		d, err := time.ParseDuration(r.FormValue("by"))
		if err == nil {
			s.Advance(d)
		}
		return done(err)
	})
	s.switches(do)
}

func (s *Sim) switches(do func(string, func(*http.Request) (any, error))) {
	do("rows", func(r *http.Request) (any, error) { return done(s.SetRows(Rows(r.FormValue("mode")))) })
	simple := map[string]func(){"clear": s.ClearFaults, "revoke": s.RevokeTokens, "unlock": s.Unlock, "forget": s.ForgetRequests}
	for path, act := range simple {
		do(path, func(*http.Request) (any, error) {
			act()
			return done(nil)
		})
	}
}

func delayed(f Fault, delay string, add func(Fault) error) error {
	if delay != "" {
		d, err := time.ParseDuration(delay)
		if err != nil {
			return fmt.Errorf("delay %q: want a duration such as 250ms", delay)
		}
		f.Delay = d
	}
	return add(f)
}

func done(err error) (any, error) { return map[string]bool{"ok": err == nil}, err }

func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.FormValue(name))
	if err != nil {
		return otherwise
	}
	return n
}

// reply writes JSON; an error is the caller's and answers 400.
func reply(w http.ResponseWriter, content any, err error) {
	w.Header().Set("Content-Type", typeJSON)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		content = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(content) // a client that has left is not our concern
}
