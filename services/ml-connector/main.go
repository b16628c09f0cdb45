// Command ml-connector is the whole system in one process, and the command line (design.md 8).
package main

import (
	"os"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/ml-connector/cli"
)

func main() { os.Exit(app.Main(cli.Main)) }
