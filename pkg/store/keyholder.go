package store

import (
	"context"
	"time"
)

// KeyHolders tells which running process can read which master keys. Like KeyCheck it belongs to no tenant. A rotation
// asks it: a process that cannot read the new key would stop working.
type KeyHolders interface {
	// HoldKeys says for a while, on the backend's clock, that the process can read the keys with these fingerprints.
	HoldKeys(ctx context.Context, process string, keys []string, lasts time.Duration) error
	// EndKeys takes the word of a process back that ends.
	EndKeys(ctx context.Context, process string) error
	// KeyHolders lists the processes whose word still counts.
	KeyHolders(ctx context.Context) (map[string][]string, error)
}
