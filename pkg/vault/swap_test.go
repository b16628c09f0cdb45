package vault

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Of many who swap the same version one wins, and what he sealed is what opens.
func TestASwapNeedsTheNewestVersion(t *testing.T) {
	creds, file := newStore(t), keyPath(t)
	v := newVault(t, creds, file)
	if got, version, err := v.OpenVersion(t.Context(), acme, ZendeskGrant); err != nil || version != 0 || got.IsSet() {
		t.Fatalf("before the first: version %d, %v", version, err)
	}
	for round := range int64(3) {
		var won atomic.Int64
		var winner atomic.Value
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				mine := strconv.Itoa(i)
				switch err := v.SealOver(t.Context(), acme, ZendeskGrant, secret.New(mine), round); {
				case err == nil:
					won.Add(1)
					winner.Store(mine)
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("swap: %v", err)
				}
			})
		}
		all.Wait()
		got, version, err := v.OpenVersion(t.Context(), acme, ZendeskGrant)
		if err != nil || won.Load() != 1 || version != round+1 || got.Reveal() != winner.Load() {
			t.Fatalf("round %d: %d winners, version %d, %v", round, won.Load(), version, err)
		}
	}
	refused(t, v.SealOver(t.Context(), acme, "zendesk.wrong", secret.New("x"), 0), fault.BadConfig)
	refused(t, v.SealOver(t.Context(), acme, ZendeskGrant, secret.New(""), 3), fault.NoCredential)
	if _, version, err := v.OpenVersion(t.Context(), globex, ZendeskGrant); err != nil || version != 0 {
		t.Fatalf("another tenant: version %d, %v", version, err)
	}
}
