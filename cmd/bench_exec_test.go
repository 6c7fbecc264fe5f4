package cmd_test

import (
	"os/exec"
	"testing"
	"time"
)

// BenchmarkStartExec times a warm exec of true, also served, each in turn with a
// Go program that does nothing but become it.
func BenchmarkStartExec(b *testing.B) {
	w := newBenchWorld(b)
	program, err := exec.LookPath("true")
	if err != nil {
		b.Fatal(err)
	}
	const source = `package main

import (
	"os"
	"syscall"
)

func main() { panic(syscall.Exec(os.Args[1], os.Args[1:], os.Environ())) }
`
	hello, binary := goBuild(b, source), copied(b, binary)
	for _, how := range []string{"exec", "exec --serve"} {
		args := []string{"exec", "plain", "--", program}
		if how != "exec" {
			args = []string{"exec", "--serve", "plain", "--", program}
		}
		b.Run(how, func(b *testing.B) {
			var ours, theirs []time.Duration
			for range b.N {
				theirs = append(theirs, timed(b, w.environ(), hello, program))
				ours = append(ours, timed(b, w.environ(), binary, args...))
			}
			mine, his := median(ours), median(theirs)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(mine.Microseconds())/1000, "ms")
			b.ReportMetric(float64(his.Microseconds())/1000, "hello-ms")
			b.ReportMetric(float64((mine-his).Microseconds())/1000, "more-ms")
		})
	}
}
