package zendesk

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// controls are the paths under /_sim/, described in the package comment.
func (s *Sim) controls() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/users", func(w http.ResponseWriter, _ *http.Request) {
		type full struct {
			User
			Identities []Identity `json:"identities"`
		}
		out := []full{}
		for _, u := range s.Users() {
			out = append(out, full{u, append([]Identity{}, u.Identities...)})
		}
		answer(w, http.StatusOK, obj{"users": out})
	})
	mux.HandleFunc("GET /_sim/organizations", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, obj{"organizations": append([]Organization{}, s.Organizations()...)})
	})
	mux.HandleFunc("GET /_sim/effects", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after")) // absent is 0
		all := s.Effects()
		answer(w, http.StatusOK, obj{"effects": append([]Effect{}, all[max(0, min(after, len(all))):]...)})
	})
	mux.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, obj{"requests": append([]Request{}, s.Requests()...)})
	})
	mux.HandleFunc("GET /_sim/counters", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.Counters()) })
	mux.HandleFunc("POST /_sim/users", s.controlSeedUsers)
	mux.HandleFunc("POST /_sim/organizations", s.controlSeedOrgs)
	s.controlAdmin(mux, "deactivate", s.Deactivate)
	s.controlAdmin(mux, "suspend", func(id int64) bool { return s.SetSuspended(id, true) })
	s.controlAdmin(mux, "restore", func(id int64) bool { return s.SetSuspended(id, false) })
	mux.HandleFunc("POST /_sim/fault", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			answer(w, http.StatusBadRequest, obj{"error": err.Error()})
			return
		}
		answer(w, http.StatusCreated, obj{"id": s.Fault(f)})
	})
	mux.HandleFunc("POST /_sim/faults/clear", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("PUT /_sim/oauth", s.controlOAuth)
	mux.HandleFunc("POST /_sim/webhooks/deliver", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, obj{"delivered": s.DeliverWebhooks(r.Context(), nil)})
	})
	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encode(body)) // a caller who hung up is no error of ours
}

func (s *Sim) controlAdmin(mux *http.ServeMux, verb string, do func(id int64) bool) {
	mux.HandleFunc("POST /_sim/users/{id}/"+verb, func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64) // 0 is nobody
		if !do(id) {
			answer(w, http.StatusNotFound, obj{"error": "no active user " + r.PathValue("id")})
			return
		}
		u, _ := s.User(id)
		answer(w, http.StatusOK, obj{"user": u})
	})
}

func (s *Sim) controlSeedUsers(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Users []fields `json:"users"`
		User  fields   `json:"user"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, obj{"error": err.Error()})
		return
	}
	if in.User != nil {
		in.Users = append(in.Users, in.User)
	}
	out, bad := []*User{}, problems(nil)
	s.locked(func(now time.Time) {
		for _, f := range in.Users {
			u, ps := s.startUser(cause{at: now.Truncate(time.Second)}, nil, f).run()
			if bad = append(bad, ps...); ps == nil {
				out = append(out, s.show(u))
			}
		}
	})
	s.answerSeed(w, bad, obj{"users": out})
}

func (s *Sim) controlSeedOrgs(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Organizations []fields `json:"organizations"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, obj{"error": err.Error()})
		return
	}
	out, bad := []*Organization{}, problems(nil)
	s.locked(func(now time.Time) {
		for _, f := range in.Organizations {
			o, ps := s.startOrg(cause{at: now.Truncate(time.Second)}, nil, f).run()
			if bad = append(bad, ps...); ps == nil {
				out = append(out, s.showOrg(o))
			}
		}
	})
	s.answerSeed(w, bad, obj{"organizations": out})
}

// answerSeed reports refused records, the others are there all the same.
func (s *Sim) answerSeed(w http.ResponseWriter, bad problems, body obj) {
	if len(bad) > 0 {
		refusal := s.invalid(bad)
		answer(w, http.StatusUnprocessableEntity, refusal.body)
		return
	}
	answer(w, http.StatusCreated, body)
}
