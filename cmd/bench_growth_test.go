package cmd_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A growthRow is a command that is timed with more and more profiles.
type growthRow struct {
	name    string
	command []string
	seldom  bool // it is slow: fewer rounds
	target  string
	met     func(took, hello time.Duration) bool // with the most profiles
}

func growthRows(vault string) []growthRow {
	above := func(limit time.Duration) func(took, hello time.Duration) bool {
		return func(took, hello time.Duration) bool { return took <= hello+limit }
	}
	rows := []growthRow{
		{name: "vault use, cached", command: []string{vault, "use", "plain", "--shell", "zsh"}, target: "hello + 6 ms", met: above(6 * time.Millisecond)},
		{name: "vault completion", command: []string{vault, "__complete", "use", "team"}, target: "3 x hello",
			met: func(took, hello time.Duration) bool { return took <= 3*hello }},
		{name: "vault list", command: []string{vault, "list"}, target: "hello + 40 ms", met: above(40 * time.Millisecond)},
		{name: "vault explain", command: []string{vault, "explain", "plain"}},
	}
	for _, row := range []growthRow{
		{name: "aws-vault completion", command: []string{"aws-vault", "--completion-bash", "exec", ""}, seldom: true},
		{name: "aws-vault list", command: []string{"aws-vault", "list"}, seldom: true},
		{name: "aws configure get", command: []string{"aws", "configure", "get", "region", "--profile", "plain"}, seldom: true},
	} {
		if _, err := exec.LookPath(row.command[0]); err == nil {
			rows = append(rows, row)
		}
	}
	return rows
}

// BenchmarkGrowth times whole processes with 10 to 10,000 profiles, in turn
// with a Go hello world, and prints the medians beside what vault is to reach.
func BenchmarkGrowth(b *testing.B) {
	if b.N == 1 {
		return // a trial run
	}
	w := newBenchWorld(b)
	hello, rows := goHello(b), growthRows(copied(b, binary))
	sizes := []int{10, 100, 1_000, 10_000}
	small := w.read(".aws/config")
	environ := make([][]string, len(sizes))
	for i, size := range sizes {
		file := fmt.Sprint(".aws/config-", size)
		w.write(file, small+manyProfiles(size))
		environ[i] = append(w.environ(), "AWS_CONFIG_FILE="+filepath.Join(w.home, file))
	}
	var hellos []time.Duration
	took := make([][][]time.Duration, len(rows))
	for i := range took {
		took[i] = make([][]time.Duration, len(sizes))
	}
	for round := range b.N {
		for s := range sizes {
			hellos = append(hellos, timed(b, environ[s], hello))
			for i, row := range rows {
				if !row.seldom || round%20 == 0 {
					took[i][s] = append(took[i][s], timed(b, environ[s], row.command[0], row.command[1:]...))
				}
			}
		}
	}
	base := median(hellos)
	var table strings.Builder
	fmt.Fprintf(&table, "\nmedians in ms; a Go hello world takes %s\n%-22s", millis(base), "profiles")
	for _, size := range sizes {
		fmt.Fprintf(&table, "%9d", size)
	}
	table.WriteByte('\n')
	for i, row := range rows {
		fmt.Fprintf(&table, "%-22s", row.name)
		var last time.Duration
		for s := range sizes {
			last = median(took[i][s])
			fmt.Fprintf(&table, "%9s", millis(last))
		}
		fmt.Fprintf(&table, "   %.1f x hello", float64(last)/float64(base))
		if row.met != nil {
			fmt.Fprintf(&table, ", target %s: %s", row.target, map[bool]string{true: "met", false: "missed"}[row.met(last, base)])
		}
		table.WriteByte('\n')
	}
	b.ReportMetric(0, "ns/op")
	fmt.Print(table.String())
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000) }
