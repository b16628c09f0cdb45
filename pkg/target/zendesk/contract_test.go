package zendesk

import (
	"testing"

	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target/targettest"
)

func TestContract(t *testing.T) {
	for name, o := range map[string]sim.Options{"imports on": {}, "imports off": {ImportGate: true}} {
		t.Run(name, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Account {
				a := overHTTP(t, o)
				return targettest.Account{Target: a.target, Holds: func() map[string]string {
					m := map[string]string{}
					for _, u := range a.sim.Users() {
						if u.ExternalID != nil {
							m[*u.ExternalID] = u.Name
						}
					}
					for _, o := range a.sim.Organizations() {
						if o.ExternalID != nil {
							m[*o.ExternalID] = o.Name
						}
					}
					return m
				}}
			})
		})
	}
}
