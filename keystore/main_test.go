package keystore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// children are what this test binary does when a test starts it again.
var children = map[string]func(ctx context.Context, args []string) error{}

const childMark = "KEYSTORE_TEST_CHILD"

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

// quickKDF stands in for argon2id where its cost is not the point.
func quickKDF(h header, passphrase []byte) []byte {
	sum := sha256.Sum256(append(append([]byte(nil), h.Salt...), passphrase...))
	return sum[:]
}

// A human answers questions for the passphrase and remembers them.
type human struct {
	mu      sync.Mutex
	answers []string // the last one is given again and again
	asked   []PassphraseRequest
}

func (h *human) ask(_ context.Context, ask PassphraseRequest) (Secret, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ask.Path = filepath.Base(ask.Path)
	h.asked = append(h.asked, ask)
	answer := h.answers[0]
	if len(h.answers) > 1 {
		h.answers = h.answers[1:]
	}
	return NewSecret(answer), nil
}

const rightPassphrase = "correct horse battery staple"

// testFile returns a sealed file in a folder of its own that asks h each time.
func testFile(t *testing.T, h *human) *File {
	t.Helper()
	return &File{Path: filepath.Join(t.TempDir(), "vault", "keys"), Passphrase: h.ask, kdf: quickKDF}
}

// sealedFile returns one that holds "one" under "key/a".
func sealedFile(t *testing.T) *File {
	t.Helper()
	f := testFile(t, &human{answers: []string{rightPassphrase}})
	mustSet(t, f, "key/a", "one")
	return f
}

func heldKey() *HeldKey { return &HeldKey{Max: time.Hour, Now: time.Now} }

func mustSet(t *testing.T, s Store, key, value string) {
	t.Helper()
	if err := s.Set(t.Context(), key, NewSecret(value)); err != nil {
		t.Fatal(err)
	}
}

func wantValue(t *testing.T, s Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil || got.Reveal() != want {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got.Reveal(), err, want)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// names returns what is in the folder of path.
func names(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
