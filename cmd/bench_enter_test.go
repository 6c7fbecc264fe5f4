package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/creack/pty"
)

// enterShells start a shell that runs the lines %s and draws a prompt with a
// number that counts up.
var enterShells = map[string]struct {
	file, lines, load string
	argv              []string
}{
	"zsh": {".zshrc", `setopt prompt_subst; PROMPT='<$((++n))>'`, `eval "$(vault init zsh)"; vault use plain 2>/dev/null`, []string{"-i"}},
	"bash": {"rc", `PS1='<$((++n))>'`, `eval "$(vault init bash)"; vault use plain 2>/dev/null`,
		[]string{"--noprofile", "--rcfile", "rc", "-i"}},
	"fish": {"fish/config.fish", `function fish_prompt; set -g n (math $n + 1); echo -n "<$n>"; end; function fish_greeting; end`,
		`vault init fish | source; vault use plain 2>/dev/null`, []string{"-i"}},
}

// BenchmarkEnter times a press of Enter until the next prompt stands, at a
// terminal: a shell with a profile in use, against one without vault, in turns.
func BenchmarkEnter(b *testing.B) {
	w := newBenchWorld(b)
	for _, shell := range []string{"zsh", "bash", "fish"} {
		b.Run(shell, func(b *testing.B) {
			if _, err := exec.LookPath(shell); err != nil {
				b.Skipf("%s is not installed", shell)
			}
			ours, plain := w.prompting(b, shell, true), w.prompting(b, shell, false)
			var with, without []time.Duration
			for range 20 * b.N {
				without = append(without, plain.enter(b))
				with = append(with, ours.enter(b))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(median(without).Microseconds())/1000, "without-ms")
			b.ReportMetric(float64((median(with)-median(without)).Nanoseconds())/1000, "µs-more")
		})
	}
}

// A prompting is an interactive shell with a numbered prompt.
type prompting struct {
	tty  *os.File
	text []byte // since the last prompt
	last int    // its number
}

// prompting starts the shell, with vault or without, and waits for its prompt.
func (w *world) prompting(b *testing.B, shell string, vault bool) *prompting {
	b.Helper()
	s := enterShells[shell]
	dir := b.TempDir()
	lines := s.lines + "\n"
	if vault {
		lines += s.load + "\n"
	}
	file := filepath.Join(dir, s.file)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		b.Fatal(err)
	}
	c := exec.Command(shell, s.argv...)
	c.Dir = dir
	c.Env = w.environ("ZDOTDIR="+dir, "XDG_CONFIG_HOME="+dir, "TERM=xterm", "skip_global_compinit=1")
	tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: 150})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Kill()
		tty.Close()
		_ = c.Wait()
	})
	p := &prompting{tty: tty}
	p.wait(b)
	if _, err := tty.WriteString("\r"); err != nil { // the segment is there from the second on
		b.Fatal(err)
	}
	if got := string(p.wait(b)); vault != regexp.MustCompile(`\(plain `).MatchString(got) {
		b.Fatalf("%s draws %q", shell, got)
	}
	return p
}

// enter returns the time from Enter to the next prompt.
func (p *prompting) enter(b *testing.B) time.Duration {
	b.Helper()
	began := time.Now()
	if _, err := p.tty.WriteString("\r"); err != nil {
		b.Fatal(err)
	}
	p.wait(b)
	return time.Since(began)
}

var numbered = regexp.MustCompile(`<(\d+)>`)

// wait reads until there is a prompt with a higher number than the last, and
// returns what came with it.
func (p *prompting) wait(b *testing.B) []byte {
	b.Helper()
	for chunk := make([]byte, 4096); ; {
		n, err := p.tty.Read(chunk)
		if err != nil {
			b.Fatalf("the shell ended: %v, %q", err, p.text)
		}
		p.text = append(p.text, chunk[:n]...)
		for _, m := range numbered.FindAllSubmatch(p.text, -1) {
			if i, _ := strconv.Atoi(string(m[1])); i > p.last {
				p.last = i
				got := p.text
				p.text = nil
				return got
			}
		}
	}
}
