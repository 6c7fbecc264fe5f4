package secretservice

import (
	"net"

	"golang.org/x/sys/unix"
)

// ownerOf returns the user who listens at the other end of conn, a unix
// socket: unix(7), SO_PEERCRED.
func ownerOf(conn net.Conn) (uid int, err error) {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		credentials, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if controlErr != nil {
		return 0, controlErr
	}
	if err != nil {
		return 0, err
	}
	return int(credentials.Uid), nil
}
