// Command zendesk-writer runs that one stage for every tenant, against an external NATS and Postgres. Add replicas to
// scale: the tenants spread over them (design.md 3, 4).
package main

import (
	"os"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

func main() {
	os.Exit(app.Main(assembly.Service("zendesk-writer", func(c *assembly.Core) []assembly.Role {
		return []assembly.Role{c.Writer(&assembly.Accounts{})}
	})))
}
