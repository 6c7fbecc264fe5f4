package secretservice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

func init() {
	// set ADDRESS ROUNDS KEY...: waits for the end of stdin, then sets each
	// key to the number of the round, for all rounds.
	children["set"] = func(ctx context.Context, args []string) error {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		s := &Store{Address: args[0]}
		var rounds int
		if _, err := fmt.Sscan(args[1], &rounds); err != nil {
			return err
		}
		for round := range rounds {
			for _, key := range args[2:] {
				if err := s.Set(ctx, key, keystore.NewSecret(fmt.Sprint(key, round))); err != nil {
					return fmt.Errorf("round %d: %w", round, err)
				}
			}
		}
		return nil
	}
	// get ADDRESS KEY VALUE: as set, reads one that is there.
	children["get"] = func(ctx context.Context, args []string) error {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		return get(ctx, &Store{Address: args[0]}, args[1], args[2])
	}
	// ask ADDRESS LOCK KEY VALUE WANT: as get, where a dialog may be raised.
	// It says "waiting" when it waits for another process. With WANT refused
	// it wants to be told so.
	children["ask"] = func(ctx context.Context, args []string) error {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		s := &Store{Address: args[0], LockPath: args[1], Ask: AskAnyhow, Waiting: func() { fmt.Println("waiting") }}
		err := get(ctx, s, args[2], args[3])
		if args[4] == "refused" {
			if errors.Is(err, errRefused) {
				return nil
			}
			return fmt.Errorf("error %w, want %w", err, errRefused)
		}
		return err
	}
}

func get(ctx context.Context, s *Store, key, want string) error {
	value, err := s.Get(ctx, key)
	if err == nil && value.Reveal() != want {
		err = fmt.Errorf("%q is %q, want %q", key, value.Reveal(), want)
	}
	return err
}

// Twenty processes that write at once: nothing is lost, and nothing is there
// twice. Some keys are of one process, and one all of them write.
func TestConcurrentWriters(t *testing.T) {
	d := sstest.StartDaemon(t)
	const processes, keys, rounds = 20, 1, 25
	var commands []*exec.Cmd
	want := []string{"key/all"}
	for p := range processes {
		args := []string{d.Address, fmt.Sprint(rounds), "key/all"}
		for k := range keys {
			args = append(args, fmt.Sprintf("key/%02d-%d", p, k))
		}
		want = append(want, args[3:]...)
		commands = append(commands, child(t, "set", args...))
	}
	together(t, commands)
	for _, again := range []bool{false, true} {
		s := open(t, d.Address, AskNobody)
		for _, key := range want {
			wantValue(t, s, key, fmt.Sprint(key, rounds-1))
		}
		if n := len(items(t, d, s, "")); n != len(want) {
			t.Errorf("%d items, want %d", n, len(want))
		}
		if !again {
			d.Kill()
			d.Restart() // what it has is what is in its file
		}
	}
}

// Thirty-two processes that read at once: none fails.
func TestConcurrentReaders(t *testing.T) {
	d := sstest.StartDaemon(t)
	mustSet(t, open(t, d.Address, AskNobody), "key/a", "one")
	var commands []*exec.Cmd
	for range 32 {
		commands = append(commands, child(t, "get", d.Address, "key/a", "one"))
	}
	together(t, commands)
}

// Hundreds of sessions with gnome-keyring: the secret is always the same. One
// session in 256 has a shared secret that begins with a zero.
func TestManySessions(t *testing.T) {
	d := sstest.StartDaemon(t)
	mustSet(t, open(t, d.Address, AskNobody), "key/a", "one")
	sessions := 300
	if testing.Short() {
		sessions = 50
	}
	for range sessions {
		s := &Store{Address: d.Address}
		if err := get(t.Context(), s, "key/a", "one"); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

// Many processes that need one dialog: there is one at a time, the answer
// counts for all, and so does a refusal.
func TestConcurrentDialogs(t *testing.T) {
	for _, answer := range []string{"answered", "refused"} {
		t.Run(answer, func(t *testing.T) {
			const processes = 8
			d := lockedDaemon(t, (*sstest.Daemon).Lock)
			var mu sync.Mutex
			dialogs := 0
			allWait := make(chan struct{})
			d.Prompt(func(sstest.Dialog) (string, bool) {
				mu.Lock()
				dialogs++
				mu.Unlock()
				<-allWait
				return sstest.Passphrase, answer == "answered"
			})
			lock := filepath.Join(t.TempDir(), "lock")
			waiting := &counter{full: processes - 1, done: allWait}
			var commands []*exec.Cmd
			for range processes {
				c := child(t, "ask", d.Address, lock, "key/a", "one", answer)
				c.Stdout = waiting
				commands = append(commands, c)
			}
			together(t, commands)
			if dialogs != 1 {
				t.Errorf("%d dialogs, want one", dialogs)
			}
		})
	}
}

// A counter closes done when full lines have been written to it.
type counter struct {
	mu   sync.Mutex
	n    int
	full int
	done chan struct{}
}

func (c *counter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += strings.Count(string(p), "\n")
	if c.n == c.full {
		close(c.done)
	}
	return len(p), nil
}

// In one process, too, all wait for one dialog, or one question.
func TestConcurrentDialogsOfOneProcess(t *testing.T) {
	for _, ask := range []Ask{AskAnyhow, AskTerminal} {
		d := lockedDaemon(t, (*sstest.Daemon).Lock)
		var asked atomic.Int32
		d.Prompt(func(sstest.Dialog) (string, bool) {
			asked.Add(1)
			return sstest.Passphrase, true
		})
		s := open(t, d.Address, ask)
		s.Passphrase = func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
			asked.Add(1)
			return keystore.NewSecret(sstest.Passphrase), nil
		}
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() { wantValue(t, s, "key/a", "one") })
		}
		wg.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	}
}
