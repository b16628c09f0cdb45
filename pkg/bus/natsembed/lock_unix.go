//go:build unix

package natsembed

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// lockDir takes the folder for this process; the lock ends with the file or the process, also after kill -9. Two
// servers on one folder would start without complaint (broker.md 6.3).
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "broker lock")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(&fault.Error{Kind: fault.Config, Code: fault.Running, Op: "broker folder " + dir, Err: err,
			Detail: "another process uses it"}, f.Close())
	}
	return f, nil
}
