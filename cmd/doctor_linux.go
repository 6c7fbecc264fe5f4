package cmd

import "golang.org/x/sys/unix"

// dumpable reports whether the kernel writes a core file of this process
// (prctl(2), PR_GET_DUMPABLE).
func dumpable() bool {
	n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err != nil || n != 0
}
