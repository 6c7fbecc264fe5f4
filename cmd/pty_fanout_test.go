package cmd_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fifo makes a pipe in the shell's folder, and returns its end to read from.
func (c *console) fifo(name string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// screen is what stands in a terminal at last where lines are wiped and written
// anew.
func screen(raw string) string {
	var b strings.Builder
	for line := range strings.Lines(raw) {
		if i := strings.LastIndex(line, "\r\x1b[K"); i >= 0 {
			line = line[i:]
		}
		b.WriteString(line)
	}
	return readable(b.String())
}

// TestPTYFanOut runs a command with several profiles at a terminal, which shows
// how far they are, and nothing of that when they have ended.
func TestPTYFanOut(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		path := c.fifo("go")
		c.line(`vault exec -p dev -p staging -p bastion --jobs 2 -- sh -c 'test $AWS_VAULT = bastion || read x <"$ZDOTDIR/go"; echo h""i; exit 0'`)
		c.wait("how far it is", either("0 of 3 done: dev staging", "0 of 3 done: staging dev"))
		gate, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer gate.Close()
		begin := len(c.bytes())
		if _, err := gate.WriteString("1\n"); err != nil {
			t.Fatal(err)
		}
		c.expect("2 of 3 done: ") // one of them, and bastion
		if _, err := gate.WriteString("2\n"); err != nil {
			t.Fatal(err)
		}
		c.prompt()
		if c.status != 0 {
			t.Errorf("%s: got status %d", shell, c.status)
		}
		shown := screen(c.bytes()[begin:])
		for _, want := range []string{"dev     | hi\n", "staging | hi\n", "bastion | hi\n", "vault: dev      exit 0\n", "vault: bastion  exit 0\n"} {
			if strings.Count(shown, want) != 1 {
				t.Errorf("%s: %q does not stand there once:\n%s", shell, want, shown)
			}
		}
		if strings.Contains(shown, " done: ") {
			t.Errorf("%s: the progress is left over:\n%s", shell, shown)
		}

		// What asks at the terminal is told that there is none.
		c.line(`vault exec -p dev -p bastion -- sh -c 'read x </dev/tty || echo n""one'`)
		c.expect("none")
		c.expect("none")
		c.prompt()
	})
}

// TestPTYFanOutInterrupted presses ^C while commands run: all of them end, with
// what they have started.
func TestPTYFanOutInterrupted(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		path := c.fifo("held")
		c.line(`vault exec -p dev -p staging -p bastion --jobs 2 -- sh -c 'exec 9>"$ZDOTDIR/held"; echo up >&9; sleep 1000 & wait'`)
		held, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		if _, err := io.ReadFull(held, make([]byte, len("up\nup\n"))); err != nil {
			t.Fatal(err)
		}
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("%s: ^C gave status %d, want 130", shell, c.status)
		}
		// It is at its end when nobody has it any more.
		if rest, err := io.ReadAll(held); err != nil || len(rest) > 0 {
			t.Errorf("%s: got %q, %v: another one has been started", shell, rest, err)
		}
		c.echoes()
	})
}
