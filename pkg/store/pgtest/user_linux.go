package pgtest

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// attributes makes a program run as somebody else when we are root, whom Postgres refuses, and die with us.
func attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} // immediate shutdown, with its children
	if os.Getuid() == 0 {
		uid, gid := other()
		attr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return attr
}

// own gives the folder to the user of attributes.
func own(dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid := other()
	return os.Chown(dir, int(uid), int(gid))
}

// other is the unprivileged user: postgres or nobody, else the number that most systems give to nobody.
func other() (uid, gid uint32) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		id, err1 := strconv.ParseUint(u.Uid, 10, 32)
		group, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return uint32(id), uint32(group)
		}
	}
	return 65534, 65534
}
