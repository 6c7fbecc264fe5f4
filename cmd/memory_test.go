package cmd_test

import (
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// memory returns the most memory that a run of the program had resident, in
// megabytes. A small program of its own starts it: what a process had before
// it executed another counts too.
func memory(b *testing.B, w *world, program string, args ...string) float64 {
	b.Helper()
	meter := goBuild(b, `package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	c := exec.Command(os.Args[1], os.Args[2:]...)
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}
`)
	c := exec.Command(meter, append([]string{program}, args...)...)
	c.Env = w.environ()
	out, err := c.Output()
	if err != nil {
		b.Fatal(err)
	}
	size, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		size *= 1024 // getrusage(2): kilobytes on Linux, bytes on macOS
	}
	return size / 1e6
}
