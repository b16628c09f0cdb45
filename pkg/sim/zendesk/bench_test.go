package zendesk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// BenchmarkBulk reports records a second through the handler alone, on an account of 100,000 users.
func BenchmarkBulk(b *testing.B) {
	for name, path := range map[string]string{"upsert": "POST /api/v2/users/create_or_update_many", "update": "PUT /api/v2/users/update_many"} {
		b.Run(name, func(b *testing.B) {
			sim := zendesk.New(zendesk.Options{MaxJobs: -1, JobDuration: func(int) time.Duration { return 0 }})
			sim.SeedField("user", zendesk.Field{Type: "text", Key: "department", Title: "Department"})
			sim.SeedUsers(100_000)
			method, target, _ := strings.Cut(path, " ")
			bodies := make([]string, 1000)
			for i := range bodies {
				var users strings.Builder
				for k := range 100 {
					fmt.Fprintf(&users, `,{"external_id":"psft:emp:%06d","name":"Renamed %d","skip_verify_email":true,"user_fields":{"department":"D%d"}}`, i*100+k+1, i, i)
				}
				bodies[i] = `{"users":[` + users.String()[1:] + `]}`
			}
			b.ResetTimer()
			n := 0
			for b.Loop() {
				r := httptest.NewRequest(method, target, strings.NewReader(bodies[n%len(bodies)]))
				r.Header.Set("Authorization", "Bearer x")
				w := httptest.NewRecorder()
				sim.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body.String())
				}
				n++
			}
			b.ReportMetric(float64(n*100)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
