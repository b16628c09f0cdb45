package zendesk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestIndexesAgreeWithTheUsers does a thousand random writes on few keys, so that they collide, and then compares every
// index with what the users themselves say: an address or external id belongs to one user at most.
func TestIndexesAgreeWithTheUsers(t *testing.T) {
	for seed := range uint64(10) {
		s := New(Options{Seed: seed, LoseEvery: 17, NoPanicOnDelete: true})
		rng := rand.New(rand.NewPCG(seed, 1))
		for range 1000 {
			randomWrite(s, rng)
		}
		addresses, externals, phones := map[string]int64{}, map[string]int64{}, map[string]int64{}
		for _, u := range s.users.byID {
			if !u.Active {
				continue
			}
			if u.ExternalID != nil {
				externals[strings.ToLower(*u.ExternalID)] = u.ID
			}
			primaries := 0
			for _, i := range u.Identities {
				switch i.Type {
				case typeEmail:
					if other, taken := addresses[i.Value]; taken {
						t.Fatalf("seed %d: %s belongs to %d and %d", seed, i.Value, other, u.ID)
					}
					addresses[i.Value] = u.ID
				case typePhone:
					phones[i.Value] = u.ID
				}
				if i.Primary && i.Type == typeEmail {
					primaries++
				}
			}
			if primaries > 1 || primaries == 0 && u.Email != nil {
				t.Fatalf("seed %d: user %d has %d primary addresses", seed, u.ID, primaries)
			}
		}
		if !maps.Equal(addresses, s.users.byAddress) || !maps.Equal(externals, s.users.byExternal) || !maps.Equal(phones, s.users.byPhone) {
			t.Fatalf("seed %d: indexes differ from the users\n%v\n%v", seed, addresses, s.users.byAddress)
		}
	}
}

func randomWrite(s *Sim, rng *rand.Rand) {
	key := func(prefix string) string { return fmt.Sprintf("%s%d", prefix, rng.IntN(12)) }
	some := s.users.order[rng.IntN(len(s.users.order))]
	body := fmt.Sprintf(`{"name":"N","email":"%s@corp.example","external_id":"%s","verified":%v}`, key("m"), key("E"), rng.IntN(2) == 0)
	switch rng.IntN(8) {
	case 0:
		s.Deactivate(some)
		return
	case 1:
		send(s, "PUT", fmt.Sprintf("/api/v2/users/%d", some), `{"user":`+body+`}`)
	case 2:
		send(s, "POST", fmt.Sprintf("/api/v2/users/%d/identities", some), fmt.Sprintf(`{"identity":{"type":"email","value":"%s@corp.example","primary":%v}}`, key("m"), rng.IntN(2) == 0))
	case 3:
		if u := s.users.byID[some]; len(u.Identities) > 0 {
			i := u.Identities[rng.IntN(len(u.Identities))]
			send(s, "PUT", fmt.Sprintf("/api/v2/users/%d/identities/%d/make_primary", some, i.ID), "{}")
		}
	case 4:
		if u := s.users.byID[some]; len(u.Identities) > 0 {
			i := u.Identities[rng.IntN(len(u.Identities))]
			send(s, "PUT", fmt.Sprintf("/api/v2/users/%d/identities/%d", some, i.ID), fmt.Sprintf(`{"identity":{"value":"%s@corp.example"}}`, key("m")))
		}
	case 5:
		send(s, "POST", "/api/v2/users/create_or_update_many", `{"users":[`+body+`,`+body+`]}`)
	case 6:
		send(s, "PUT", fmt.Sprintf("/api/v2/users/%d", some), fmt.Sprintf(`{"user":{"phone":"%s"}}`, []string{"", key("+1555010")}[rng.IntN(2)]))
	default:
		send(s, "POST", "/api/v2/users/create_or_update", `{"user":`+body+`}`)
	}
}

func send(s *Sim, method, path, body string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer any")
	s.ServeHTTP(httptest.NewRecorder(), r)
}

// FuzzServe: whatever is sent, the simulator answers, and never with a bug of its own.
func FuzzServe(f *testing.F) {
	f.Add("POST", "/api/v2/users", `{"user":{"name":"A","email":"a@x.example","user_fields":{"d":[1]}}}`)
	f.Add("PUT", "/api/v2/users/update_many?ids=1,2", `{"user":{"tags":"a b","suspended":"true"}}`)
	f.Add("POST", "/api/v2/organizations/create_many", `{"organizations":[{"name":1,"domain_names":null}]}`)
	f.Add("GET", "/api/v2/users?page[size]=2&page[after]=Yzox", "")
	f.Add("GET", "/api/v2/users?page=4611686018427387904&per_page=4", "")
	f.Add("GET", "/api/v2/incremental/users/cursor?cursor=YzotMQ", "")
	f.Add("POST", "/oauth/tokens", `{"grant_type":"client_credentials"}`)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "http://sim.example"+path, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(r.URL.Path, "/") {
			return
		}
		r.Header.Set("Authorization", "Bearer any")
		w := httptest.NewRecorder()
		s := New(Options{NoPanicOnDelete: true})
		s.SeedField("user", Field{Type: "dropdown", Key: "d", Title: "D"})
		s.ServeHTTP(w, r)
		s.Users() // a queued job takes effect
		if strings.Contains(w.Body.String(), "SimulatorBug") {
			t.Fatal(w.Body.String())
		}
	})
}
