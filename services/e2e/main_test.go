package e2e

import (
	"flag"
	"os"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(brokerEnv); file != "" {
		os.Exit(beBroker(file))
	}
	// The rows of the catalogue of failures run side by side and mostly wait. The command line may say another number.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(pgtest.Main(m))
}
