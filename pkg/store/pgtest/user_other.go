//go:build !linux

package pgtest

import "syscall"

// attributes is nil: away from Linux the tests run as an ordinary user.
func attributes() *syscall.SysProcAttr { return nil }

func own(string) error { return nil }
