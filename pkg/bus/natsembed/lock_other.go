//go:build !unix

package natsembed

import (
	"os"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// lockDir refuses: without a lock that ends with the process, two servers could share one folder.
func lockDir(dir string) (*os.File, error) {
	return nil, fault.New(fault.Config, fault.BadConfig, "embedded broker: no file lock on this system, use an external NATS server for "+dir)
}
