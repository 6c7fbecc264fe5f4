package cmd_test

import (
	"net/http"
	"testing"
	"time"
)

// BenchmarkCold times "vault use" of a role as a whole process when sessions
// have to be made: both of them, and the role's alone. What the fake AWS needs
// to answer that often is taken off, measured in the same run.
func BenchmarkCold(b *testing.B) {
	w := newBenchWorld(b)
	hello, vault := goHello(b), copied(b, binary)
	for _, c := range []struct {
		name  string
		calls int
		clear []string
	}{
		{"nothing cached", 2, []string{"clear"}},
		{"session cached", 1, []string{"clear", "plain"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var ours, theirs, fake []time.Duration
			for range b.N {
				if r := w.vault(c.clear...); r.code != 0 {
					b.Fatalf("%+v", r)
				}
				before := total(w.aws.Calls())
				ours = append(ours, timed(b, w.environ(), vault, "use", "plain", "--shell", "zsh"))
				if n := total(w.aws.Calls()) - before; n != c.calls {
					b.Fatalf("%d calls, want %d: %v", n, c.calls, w.aws.Calls())
				}
				theirs = append(theirs, timed(b, w.environ(), hello))
				began := time.Now()
				for range c.calls {
					answer, err := http.Post(w.aws.URL(), "application/x-www-form-urlencoded", nil)
					if err != nil {
						b.Fatal(err)
					}
					answer.Body.Close()
				}
				fake = append(fake, time.Since(began))
			}
			mine, his, its := milliseconds(median(ours)), milliseconds(median(theirs)), milliseconds(median(fake))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(mine, "ms")
			b.ReportMetric(his, "hello-ms")
			b.ReportMetric(mine-its, "ms-over-AWS")
		})
	}
}

func total(calls map[string]int) (n int) {
	for _, c := range calls {
		n += c
	}
	return n
}
