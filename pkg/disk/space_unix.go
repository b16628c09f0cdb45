//go:build unix

package disk

import (
	"fmt"
	"syscall"
)

// Of measures the file system that holds path.
func Of(path string) (Space, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return Space{}, fmt.Errorf("free space of %s: %w", path, err)
	}
	unit := int64(st.Bsize) //nolint:unconvert // its type differs between systems
	return Space{Free: int64(st.Bavail) * unit, Total: int64(st.Blocks) * unit}, nil
}
