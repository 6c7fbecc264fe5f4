package cmd_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFanOutInterrupted checks that ^C ends all commands, with what they have
// started, and also those that do not heed it.
func TestFanOutInterrupted(t *testing.T) {
	for name, command := range map[string]string{
		"default": `exec 9>"$1"; echo up >&9; sleep 1000 & wait`,
		"ignored": `trap "" INT; exec 9>"$1"; echo up >&9; sleep 1000 & wait`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.store("simple")
			// It is at its end when the last who could write to it is gone.
			fifo := filepath.Join(w.dir, "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			c := exec.Command(binary, "exec", "-p", "plain", "-p", "simple", "--", "sh", "-c", command, "sh", fifo)
			c.Env, c.Dir, c.SysProcAttr = w.environ(), w.home, newSession
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			r, err := os.Open(fifo)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			up := make([]byte, len("up\nup\n"))
			if _, err := io.ReadFull(r, up); err != nil {
				t.Fatal(err)
			}
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(r); err != nil || strings.Contains(string(rest), "up") {
				t.Errorf("got %q, %v", rest, err)
			}
			_ = c.Wait()
			if got := c.ProcessState.ExitCode(); got != 130 {
				t.Errorf("got exit code %d, want 130", got)
			}
		})
	}
}
