package cmd_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// served starts a script under exec --serve, which prepares itself, prints its
// environment and goes on; it returns when that is printed.
func (w *world) served(t *testing.T, prepare, goOn string) (*exec.Cmd, map[string]string) {
	t.Helper()
	c := exec.Command(binary, "exec", "--serve", "plain", "--", "sh", "-c", prepare+"\n"+printEnv+" -0; echo\n"+goOn)
	c.Env, c.Dir, c.SysProcAttr = w.environ(), w.home, newSession
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, byName(strings.Split(strings.TrimSpace(line), "\x00"))
}

// TestExecServeSignals ends a served command by each signal: the status is the
// signal's, the endpoint ends with it, and so does everything else.
func TestExecServeSignals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGKILL} {
		c, env := w.served(t, "ulimit -c 0", "exec sleep 1000")
		if _, err := fetch(env); err != nil {
			t.Fatal(err)
		}
		if _, _, children := weight(t, c.Process.Pid); children != 0 {
			t.Errorf("the command has %d children that it did not start", children)
		}
		if err := c.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		if got := c.ProcessState.Sys().(syscall.WaitStatus); !got.Signaled() || got.Signal() != s {
			t.Errorf("%s: ended with %v", s, c.ProcessState)
		}
		ends(t, env, s.String())
	}
	// What is caught or ended otherwise is the command's own too.
	c, env := w.served(t, `trap 'exit 3' TERM`, `sleep 1000 & wait; exit 4`)
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if got := c.ProcessState.ExitCode(); got != 3 {
		t.Errorf("got exit code %d, want 3", got)
	}
	ends(t, env, "a command that catches it")
	if r := w.vault("ps"); !strings.Contains(r.stderr, "no server runs") {
		t.Errorf("%+v", r)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "run", "vault", "server-*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// TestExecServeServerKilled kills the server: the command goes on, and others
// see that it is gone.
func TestExecServeServerKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	c, env := w.served(t, "trap 'exit 5' TERM", "sleep 1000 & wait")
	var list struct{ Servers []struct{ PID, ForPID int } }
	if err := json.Unmarshal([]byte(strings.ReplaceAll(w.vault("ps", "--json").stdout, "for_pid", "forpid")), &list); err != nil || len(list.Servers) != 1 || list.Servers[0].ForPID != c.Process.Pid {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := syscall.Kill(list.Servers[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ends(t, env, "kill -9 of the server")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if got := c.ProcessState.ExitCode(); got != 5 {
		t.Errorf("got exit code %d, want 5", got)
	}
	if r := w.vault("ps"); !strings.Contains(r.stderr, "no server runs") {
		t.Errorf("%+v", r)
	}
}

// TestExecServeDescriptors has a file open that the command inherits, and the
// server does not: it is at its end when the command has closed it.
func TestExecServeDescriptors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	r, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := exec.Command(binary, "exec", "--serve", "plain", "--", "sh", "-c", "echo up >&3; exec 3>&-; exec sleep 1000")
	c.Env, c.Dir, c.SysProcAttr, c.ExtraFiles = w.environ(), w.home, newSession, []*os.File{held}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	held.Close()
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "up\n" {
		t.Errorf("got %q, %v: the server has the command's files", text, err)
	}
}

// TestExecIgnored has vault start with signals ignored, as nohup does it, with
// and without a call to AWS: the command has them ignored.
func TestExecIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store("simple")
	for _, flag := range []string{"", "--serve"} {
		for _, when := range []string{"cold", "warm"} {
			if when == "cold" {
				w.vault("clear")
			}
			r := w.run("", w.environ(), "sh", "-c", `trap '' HUP INT; exec vault exec `+flag+` plain -- sh -c 'kill -HUP $$; kill -INT $$; echo alive'`)
			if r.code != 0 || r.stdout != "alive\n" {
				t.Errorf("exec %s, %s: %+v", flag, when, r)
			}
		}
	}
}

// TestPTYServeTerminal has a served command at a terminal: it is told of the
// window's size, ends by what is typed, and with the terminal.
func TestPTYServeTerminal(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w := newWorld(t).login()
		c := w.console(t, setup{shell: shell})
		c.line(`vault exec --serve dev -- sh -c 'trap "stty size; kill \$!; exit 7" WINCH; sleep 1000 & echo u""p; wait'`)
		c.expect("up")
		if err := pty.Setsize(c.tty, &pty.Winsize{Rows: 33, Cols: 101}); err != nil {
			t.Fatal(err)
		}
		c.expect("33 101")
		c.prompt()
		if c.status != 7 {
			t.Errorf("%s: got status %d, want 7", shell, c.status)
		}
		for key, want := range map[string]int{"\x03": 130, "\x1c": 131} {
			c.line(`vault exec --serve dev -- sh -c 'ulimit -c 0; echo u""p; exec sleep 1000'`)
			c.expect("up")
			c.send(key)
			c.prompt()
			if c.status != want {
				t.Errorf("%s: %q gave status %d, want %d", shell, key, c.status, want)
			}
		}
		c.line(`vault exec --serve dev -- sh -c '` + printEnv + ` -0 >"$ZDOTDIR/served"; echo u""p; exec sleep 1000'`)
		c.expect("up")
		env := byName(strings.Split(c.read("served"), "\x00"))
		if _, err := fetch(env); err != nil {
			t.Fatal(err)
		}
		c.tty.Close()
		ends(t, env, "the end of the terminal")
	})
}
