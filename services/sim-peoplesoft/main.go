// Command sim-peoplesoft serves a simulated PeopleSoft with a demo company; see package sim/peoplesoft.
package main

import (
	"os"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

func main() { os.Exit(peoplesoft.Main(os.Args[1:], os.Stdout, os.Stderr)) }
