// Command ib-listener receives Integration Broker messages for every tenant, against an external NATS and Postgres
// (design.md 3, 8). MLC_INGRESS is where PeopleSoft finds it.
package main

import (
	"os"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

func main() { os.Exit(app.Main(assembly.Listener)) }
