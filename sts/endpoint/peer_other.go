//go:build !linux

package endpoint

import (
	"net"

	"golang.org/x/sys/unix"
)

// peer returns the user whose the other end of a socket in the file system is
// (LOCAL_PEERCRED). Of a loopback port the system does not tell that.
func peer(conn net.Conn) (uid int, ok bool) {
	c, isUnix := conn.(*net.UnixConn)
	if !isUnix {
		return 0, false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED); err == nil {
			uid, ok = int(cred.Uid), true
		}
	})
	return uid, ok
}
