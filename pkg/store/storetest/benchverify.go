package storetest

import (
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// BenchVerify measures the walk along a sealed trail of n entries such as the writer makes; 10^6 must take less than
// 30 seconds on two cores (failures.md 5.9).
func BenchVerify(b *testing.B, open func(t testing.TB) store.Store, n int) {
	s := open(b)
	b.Cleanup(func() { _ = s.Close() })
	const page = 1000
	for at := 0; at < n; at += page {
		all := make([]audit.Entry, min(page, n-at))
		for i := range all {
			all[i] = entry(fmt.Sprintf("%032x", at+i), employee((at+i)%20000))
			all[i].Changes = []audit.Change{{Field: "user_fields.job_title", Before: "Analyst", After: "Senior Analyst"}, {Field: "organization", Before: "Sales", After: "Marketing"}}
			all[i].Explain = []string{"job row 2026-01-01/0 is current", "department 10100 is mapped"}
		}
		if err := s.Append(b.Context(), acme, all); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Seal(b.Context(), acme, page, audit.Link); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		rep, err := audit.Verify(b.Context(), acme, s)
		if err != nil || rep.Bad != 0 || rep.Sealed != int64(n) {
			b.Fatalf("%+v, %v", rep, err)
		}
	}
	perSecond(b, n)
}
