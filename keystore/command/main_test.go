package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/keystoretest"
)

// children are what this test binary does when a test starts it again.
var children = map[string]func(ctx context.Context, args []string) error{}

const childMark = "COMMAND_TEST_CHILD"

func TestMain(m *testing.M) {
	unix.Umask(0o077)
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

// need returns the path of a program, or skips the test. Continuous
// integration has all of them: there a missing one is an error.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// A tool is a keystore by testdata/tool.
type tool struct {
	*Store
	dir  string
	said *words
}

func newTool(t *testing.T) tool {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "values")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	said := &words{}
	return tool{toolStore(dir, said), dir, said}
}

func toolStore(dir string, stderr *words) *Store {
	script, err := filepath.Abs("testdata/tool")
	if err != nil {
		panic(err)
	}
	s := &Store{
		Commands: Commands{
			Get:    []string{script, dir, "get"},
			Set:    []string{script, dir, "set", "{key}"},
			Delete: []string{script, dir, "delete", "{key}"},
			List:   []string{script, dir, "list"},
		},
		Environ:  os.Environ(),
		LockPath: filepath.Join(filepath.Dir(dir), "lock"),
	}
	if stderr != nil {
		s.Stderr = stderr
	}
	return s
}

// fault makes call number n of the tool from now on go wrong; 0 is none.
func (l tool) fault(t *testing.T, n int, how string) {
	t.Helper()
	err := os.WriteFile(l.dir+".log", nil, 0o600)
	if n > 0 {
		err = errors.Join(err, os.WriteFile(l.dir+".fault", fmt.Appendf(nil, "%d %s\n", n, how), 0o600))
	} else {
		_ = os.Remove(l.dir + ".fault")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// calls returns the calls since the last fault, such as "get key/a".
func (l tool) calls(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(l.dir + ".log")
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for line := range strings.Lines(string(data)) {
		calls = append(calls, strings.TrimSpace(line))
	}
	return calls
}

// names returns the names of all values.
func (l tool) names(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(l.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(l.dir, path)
			names = append(names, strings.TrimSuffix(name, ".gpg"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// words are what commands say on stderr.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *words) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.text.Reset()
	return w.text.String()
}

func mustSet(t *testing.T, s *Store, key, value string) {
	t.Helper()
	if err := s.Set(t.Context(), key, keystore.NewSecret(value)); err != nil {
		t.Fatal(err)
	}
}

func wantValue(t *testing.T, s *Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil || got.Reveal() != want {
		t.Errorf("Get(%q) = %q, %v, want %q", key, got.Reveal(), err, want)
	}
}

func wantKeys(t *testing.T, s *Store, want ...string) {
	t.Helper()
	got, err := s.Keys(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Keys() = %q, %v, want %q", got, err, want)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestTool(t *testing.T) {
	keystoretest.TestStore(t, func(t *testing.T) keystore.Store { return newTool(t).Store })
}
