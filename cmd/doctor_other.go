//go:build !linux

package cmd

import "golang.org/x/sys/unix"

// dumpable reports whether the system writes a core file of this process.
func dumpable() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_CORE, &limit) != nil || limit.Cur != 0
}
