//go:build !linux

package keystore

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// NotDumpable keeps the memory of this process out of core dumps. undo gives
// the limit back, to be called before executing a program, which inherits it.
func NotDumpable() (undo func(), err error) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &old); err != nil {
		return func() {}, fmt.Errorf("core limit: %w", err)
	}
	none := old
	none.Cur = 0 // not Max, which could never be raised again
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &none); err != nil {
		return func() {}, fmt.Errorf("core limit: %w", err)
	}
	return func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &old) }, nil
}
