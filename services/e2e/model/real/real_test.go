package real

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

// runs is how many histories are played: MLC_MODEL_REAL, else 20.
func runs() int {
	if n, err := strconv.Atoi(os.Getenv("MLC_MODEL_REAL")); err == nil && n > 0 {
		return n
	}
	return 20
}

func seed() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("MLC_MODEL_SEED"), 10, 64); err == nil {
		return n
	}
	return rand.Uint64()
}

const tenants = 5

// Several customers with random histories of their own in one process that is stopped now and then: whatever happens,
// each Zendesk holds what its PeopleSoft says, nothing was made twice or deleted, and no customer has a word of another.
func TestEveryTenantHoldsWhatItsPeopleSoftSays(t *testing.T) {
	began, first := time.Now(), seed()
	s := newSystem(t)
	var all []*customer
	for i := range tenants {
		all = append(all, s.add(t, fmt.Sprintf("tenant%d", i), first+uint64(i)))
	}
	each := (runs() + tenants - 1) / tenants
	for round := range each {
		rnd := rand.New(rand.NewPCG(first, uint64(round)))
		together(t, all, func(c *customer) error { return c.live() })
		if round%4 == 1 { // in the middle of it all
			for _, c := range all {
				if _, err := s.client.Sync(t.Context(), c.tenant, adminapi.Sync{}); err != nil {
					t.Fatal(err)
				}
			}
			pause := time.NewTimer(time.Duration(rnd.IntN(150)) * time.Millisecond)
			<-pause.C
			s.restart(t)
		}
		together(t, all, func(c *customer) error { return c.verdict(t.Context()) })
		if t.Failed() {
			t.Logf("round %d; repeat with MLC_MODEL_SEED=%d MLC_MODEL_REAL=%d", round, first, runs())
			return
		}
	}
	effects := 0
	for _, c := range all {
		effects += len(c.ZD.Effects())
	}
	fmt.Printf("model/real: %d histories of %d tenants, %d effects, %d holds approved in %v; seed %d\n", each*tenants, tenants, effects, s.approved.Load(),
		time.Since(began).Round(time.Second), first)
}

// together does something for every customer at the same time.
func together(t *testing.T, all []*customer, do func(*customer) error) {
	t.Helper()
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() {
			if err := do(c); err != nil {
				t.Errorf("%s: %v", c.tenant, err)
			}
		})
	}
	wg.Wait()
}
