package cmd_test

import (
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

// memory returns the most memory that a run of the program had resident, in
// megabytes.
func memory(b *testing.B, w *world, program string, args ...string) float64 {
	b.Helper()
	c := exec.Command(program, args...)
	c.Env = w.environ()
	if err := c.Run(); err != nil {
		b.Fatal(err)
	}
	size := float64(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "linux" {
		size *= 1024 // getrusage(2): kilobytes on Linux, bytes on macOS
	}
	return size / 1e6
}
