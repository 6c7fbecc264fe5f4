package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// hookLoops run what a shell runs for one prompt, as often as they are told:
// vault's hooks, the same without a profile in use, and direnv's.
var hookLoops = map[string]map[string]string{
	"zsh": {
		"vault":      `eval "$(vault init zsh)"; vault use plain; PROMPT='%# '; typeset -a precmd_functions; __vault_precmd; __vault_prompt; repeat $1; do __vault_precmd; __vault_prompt; done`,
		"no profile": `eval "$(vault init zsh)"; PROMPT='%# '; repeat $1; do __vault_idle; done`,
		"direnv":     `eval "$(direnv hook zsh)"; repeat $1; do _direnv_hook; done`,
		"nothing":    `nothing() { }; repeat $1; do nothing; done`,
	},
	"bash": {
		"vault":      `eval "$(vault init bash)"; __vault_trap=; vault use plain; PS1='$ '; for ((i = 0; i < $1; i++)); do __vault_prompt; done`,
		"no profile": `eval "$(vault init bash)"; PS1='$ '; __vault_trap=; for ((i = 0; i < $1; i++)); do __vault_prompt; done`,
		"direnv":     `eval "$(direnv hook bash)"; for ((i = 0; i < $1; i++)); do _direnv_hook; done`,
		"nothing":    `nothing() { :; }; for ((i = 0; i < $1; i++)); do nothing; done`,
	},
	"fish": {
		"vault":      `vault init fish | source; vault use plain; function fish_mode_prompt; end; __vault_prompt; for i in (seq $argv[1]); __vault_precmd; fish_mode_prompt; end`,
		"no profile": `vault init fish | source; for i in (seq $argv[1]); __vault_idle; end; true`,
		"direnv":     `function hook; direnv export fish | source; end; for i in (seq $argv[1]); hook; end`,
		"nothing":    `function nothing; end; for i in (seq $argv[1]); nothing; end`,
	},
}

// BenchmarkHook times one prompt inside each shell: many in one shell against
// none.
func BenchmarkHook(b *testing.B) {
	w := newBenchWorld(b)
	for _, shell := range []string{"zsh", "bash", "fish"} {
		for _, name := range []string{"vault", "no profile", "nothing", "direnv"} {
			b.Run(shell+"/"+name, func(b *testing.B) {
				calls := 2000
				if name == "direnv" {
					calls = 50
					if _, err := exec.LookPath("direnv"); err != nil {
						b.Skip("direnv is not installed")
					}
				}
				path, err := exec.LookPath(shell)
				if err != nil {
					b.Skipf("%s is not installed", shell)
				}
				// fish draws nothing where nobody looks.
				flags := map[string][]string{"fish": {"--no-config", "-i"}}[shell]
				file := filepath.Join(w.dir, "loop")
				if err := os.WriteFile(file, []byte(hookLoops[shell][name]), 0o600); err != nil {
					b.Fatal(err)
				}
				var with, without []time.Duration
				for range min(b.N, 9) {
					without = append(without, timed(b, w.environ(), path, append(flags, file, "0")...))
					with = append(with, timed(b, w.environ(), path, append(flags, file, fmt.Sprint(calls))...))
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64((median(with)-median(without)).Nanoseconds())/float64(calls)/1000, "µs/prompt")
			})
		}
	}
}

// BenchmarkLoad times shells that load vault against ones that do not: what that
// takes, the start of the binary included, beyond a Go hello world.
func BenchmarkLoad(b *testing.B) {
	w := newBenchWorld(b)
	hello := goHello(b)
	w.env["PATH"] = filepath.Dir(copied(b, binary)) + string(os.PathListSeparator) + w.env["PATH"]
	for shell, argv := range map[string][]string{
		"zsh":  {"-f", "-c", `eval "$(vault init zsh)"`},
		"bash": {"--norc", "-c", `eval "$(vault init bash)"`},
		"fish": {"--no-config", "-c", "vault init fish | source"},
	} {
		b.Run(shell, func(b *testing.B) {
			path, err := exec.LookPath(shell)
			if err != nil {
				b.Skipf("%s is not installed", shell)
			}
			var with, without, theirs []time.Duration
			for range b.N {
				without = append(without, timed(b, w.environ(), path, append(argv[:len(argv)-1:len(argv)-1], ":")...))
				with = append(with, timed(b, w.environ(), path, argv...))
				theirs = append(theirs, timed(b, w.environ(), hello))
			}
			b.ReportMetric(0, "ns/op")
			load, hello := median(with)-median(without), median(theirs)
			b.ReportMetric(float64(load.Microseconds())/1000, "ms")
			b.ReportMetric(float64(hello.Microseconds())/1000, "hello-ms")
			b.ReportMetric(float64((load-hello).Microseconds())/1000, "ms-over-hello")
		})
	}
}
