package campaign

import (
	"os"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
