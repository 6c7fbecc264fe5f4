package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkStart times whole processes, each in turn with a Go hello world, so
// that the ratio holds on a machine whose speed drifts. "make bench" runs it.
func BenchmarkStart(b *testing.B) {
	w := newBenchWorld(b)
	hello, binary := goHello(b), copied(b, binary)
	for _, size := range []int{0, 10_000} {
		if size > 0 {
			w.config(w.read(".aws/config") + manyProfiles(size))
		}
		commands := [][]string{{"--version"}, {"use", "plain", "--shell", "zsh"}, {"__complete", "use", "p"}}
		if size == 0 {
			commands = append(commands, []string{"init", "zsh"}, []string{"status"}, []string{"list"}, []string{"off", "--shell", "zsh"})
		} else {
			commands = append(commands, []string{"list"}, []string{"list", "--names"})
		}
		for _, args := range commands {
			b.Run(fmt.Sprintf("profiles=%d/%s", size, strings.Join(args, "_")), func(b *testing.B) {
				var ours, theirs []time.Duration
				for range b.N {
					theirs = append(theirs, timed(b, w.environ(), hello))
					ours = append(ours, timed(b, w.environ(), binary, args...))
				}
				mine, his := median(ours), median(theirs)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(mine.Microseconds())/1000, "ms")
				b.ReportMetric(float64(his.Microseconds())/1000, "hello-ms")
				b.ReportMetric(float64(mine)/float64(his), "x-hello")
			})
		}
	}
}

// BenchmarkSize reports the size of the binary as it is released, and the
// memory of a warm switch.
func BenchmarkSize(b *testing.B) {
	w := newBenchWorld(b)
	stripped := filepath.Join(w.dir, "stripped")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", stripped, "github.com/shellvault/vault/cmd/vault")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(stripped)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "MB")
	b.ReportMetric(memory(b, w, stripped, "use", "plain", "--shell", "zsh"), "MB-resident")
}

func newBenchWorld(b *testing.B) *world {
	b.Helper()
	w := newWorld(b)
	w.store("simple")
	if r := w.vault("use", "plain", "--shell", "zsh"); r.code != 0 {
		b.Fatalf("%+v", r)
	}
	return w
}

func goHello(b *testing.B) string {
	b.Helper()
	const source = `package main

import "os"

func main() { os.Stdout.WriteString("hello\n") }
`
	return goBuild(b, source)
}

// goBuild builds a program of one file.
func goBuild(b *testing.B, source string) string {
	b.Helper()
	dir := b.TempDir()
	for name, text := range map[string]string{"main.go": source, "go.mod": "module hello\n\ngo 1.24\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	c := exec.Command("go", "build", "-o", "hello", ".")
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return copied(b, filepath.Join(dir, "hello"))
}

// copied returns a copy of a program: one that the linker wrote through a
// mapping starts slower than the same bytes written to a file.
func copied(b *testing.B, program string) string {
	b.Helper()
	data, err := os.ReadFile(program)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), filepath.Base(program))
	if err := os.WriteFile(file, data, 0o700); err != nil {
		b.Fatal(err)
	}
	return file
}

// timed returns how long a program ran.
func timed(b *testing.B, environ []string, program string, args ...string) time.Duration {
	b.Helper()
	c := exec.Command(program, args...)
	c.Env = environ
	began := time.Now()
	if err := c.Run(); err != nil {
		b.Fatalf("%s %q: %v", program, args, err)
	}
	return time.Since(began)
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func manyProfiles(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "\n[profile team-%05d/role]\nrole_arn = arn:aws:iam::%012d:role/Developer\nsource_profile = simple\nregion = eu-west-1\nmfa_serial = arn:aws:iam::111111111111:mfa/alice\n", i, i)
	}
	return text.String()
}
