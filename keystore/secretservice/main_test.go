package secretservice

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/keystore"
)

// children are what this test binary does when a test starts it again.
var children = map[string]func(ctx context.Context, args []string) error{}

const childMark = "SECRETSERVICE_TEST_CHILD"

func TestMain(m *testing.M) {
	unix.Umask(0o077) // or t.TempDir could be a folder that others write to
	run, ok := children[os.Getenv(childMark)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child returns a command that runs one of the children.
func child(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	if children[name] == nil {
		t.Fatalf("no child %q", name)
	}
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), childMark+"="+name)
	c.Stderr = os.Stderr
	return c
}

// together starts all commands, lets them go at once by the end of their
// stdin, and waits for them.
func together(t *testing.T, commands []*exec.Cmd) {
	t.Helper()
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		c.Stdin = gate
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	gate.Close()
	open.Close()
	for _, c := range commands {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// hang is when a test gives up on what should have happened long since.
const hang = time.Minute

// open returns a store on the bus at address, for the length of the test.
func open(t *testing.T, address string, ask Ask) *Store {
	t.Helper()
	s := &Store{Address: address, Ask: ask, LockPath: filepath.Join(t.TempDir(), "lock")}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// quick makes s give up early where a test is about giving up.
func quick(s *Store) *Store {
	const soon = 200 * time.Millisecond
	s.limits = limits{connect: soon, call: soon, alive: soon, write: soon}
	return s
}

func mustSet(t *testing.T, s keystore.Store, key, value string) {
	t.Helper()
	if err := s.Set(t.Context(), key, keystore.NewSecret(value)); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

func wantValue(t *testing.T, s keystore.Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil || got.Reveal() != want {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got.Reveal(), err, want)
	}
}

func wantKeys(t *testing.T, s keystore.Store, want ...string) {
	t.Helper()
	got, err := s.Keys(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Keys() = %q, %v, want %q", got, err, want)
	}
}

func wantState(t *testing.T, s keystore.Store, want keystore.State) {
	t.Helper()
	got, err := s.State(t.Context())
	if err != nil || got != want {
		t.Errorf("State() = %v, %v, want %v", got, err, want)
	}
}

// wantError checks that err is want, if not nil, and an *Error on one line that
// has text.
func wantError(t *testing.T, what string, err, want error, text string) {
	t.Helper()
	var ours *Error
	if want != nil && !errors.Is(err, want) || !errors.As(err, &ours) {
		t.Errorf("%s: error %v, want %v", what, err, want)
		return
	}
	if !strings.HasPrefix(err.Error(), "secret service: ") || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: error %q, want one line with %q", what, err, text)
	}
}

// operations are all that need to read or write a secret.
func operations(s *Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := s.Get(ctx, "key/a"); return err },
		"Set":    func(ctx context.Context) error { return s.Set(ctx, "key/a", keystore.NewSecret("two")) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, "key/a") },
	}
}
