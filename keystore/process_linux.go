package keystore

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// NotDumpable keeps the memory of this process from other processes of the
// user and from core dumps. Programs that it executes are as they would have
// been; undo, to be called before executing one, is for other systems.
//
// The limit for core dumps stays: the kernel dumps no process that is not
// dumpable, and the limit would be inherited by every command started.
func NotDumpable() (undo func(), err error) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return func() {}, fmt.Errorf("not dumpable: %w", err)
	}
	return func() {}, nil
}
