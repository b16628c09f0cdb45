// Command transformer runs that one stage for every tenant, against an external NATS and Postgres (design.md 3, 8).
package main

import (
	"os"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

func main() {
	os.Exit(app.Main(assembly.Service("transformer", func(c *assembly.Core) []assembly.Role { return []assembly.Role{c.Transformer(), c.Replayer()} })))
}
