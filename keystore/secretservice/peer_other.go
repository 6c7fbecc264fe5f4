//go:build !linux

package secretservice

import (
	"errors"
	"net"
)

// ownerOf fails: the Secret Service is that of Linux desktops.
func ownerOf(net.Conn) (int, error) { return 0, errors.New("only used on Linux") }
