package endpoint

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// peer returns the user whose the other end of a connection is, where that end
// is on this machine: by SO_PEERCRED for a socket in the file system, and by
// sock_diag(7) for a port.
func peer(conn net.Conn) (uid int, ok bool) {
	switch c := conn.(type) {
	case *net.UnixConn:
		raw, err := c.SyscallConn()
		if err != nil {
			return 0, false
		}
		_ = raw.Control(func(fd uintptr) {
			if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
				uid, ok = int(cred.Uid), true
			}
		})
		return uid, ok
	case *net.TCPConn:
		if from, to, ok := ends(c); ok && sameMachine(c) {
			return socketOwner(from, to)
		}
	}
	return 0, false
}

// The sizes and places of linux/inet_diag.h.
const (
	sockDiagByFamily = 20
	requestSize      = unix.SizeofNlMsghdr + 56
	answerUID        = unix.SizeofNlMsghdr + 64
)

// socketOwner asks the kernel whose the TCP socket is that is bound to from
// and connected to to.
func socketOwner(from, to netip.AddrPort) (uid int, ok bool) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	wait := unix.NsecToTimeval(int64(time.Second))
	if unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait) != nil {
		return 0, false
	}
	family := uint8(unix.AF_INET)
	if from.Addr().Is6() {
		family = unix.AF_INET6
	}
	b := make([]byte, requestSize)
	binary.NativeEndian.PutUint32(b[0:], requestSize)
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], unix.NLM_F_REQUEST)
	r := b[unix.SizeofNlMsghdr:] // struct inet_diag_req_v2
	r[0], r[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(r[4:], 0xffffffff) // in any state
	binary.BigEndian.PutUint16(r[8:], from.Port())
	binary.BigEndian.PutUint16(r[10:], to.Port())
	copy(r[12:28], from.Addr().AsSlice())
	copy(r[28:44], to.Addr().AsSlice())
	binary.NativeEndian.PutUint64(r[48:], 0xffffffffffffffff) // INET_DIAG_NOCOOKIE
	if unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0, false
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil || n < answerUID+4 || binary.NativeEndian.Uint16(answer[4:]) != sockDiagByFamily {
		return 0, false
	}
	return int(binary.NativeEndian.Uint32(answer[answerUID:])), true
}
