package command

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/pelletier/go-toml/v2"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/keystoretest"
)

// examples returns the commands that the documentation has, by the program
// that they run.
func examples(t *testing.T) map[string]Commands {
	t.Helper()
	page, err := os.ReadFile("../../docs/keystores.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Commands{}
	for block := range strings.SplitSeq(string(page), "```") {
		text, ok := strings.CutPrefix(block, "toml\n")
		if !ok || !strings.Contains(text, "[command]") {
			continue
		}
		var settings struct{ Command Lines }
		if err := toml.Unmarshal([]byte(text), &settings); err != nil {
			t.Fatal(err)
		}
		commands, err := Parse(settings.Command)
		if err != nil {
			t.Fatal(err)
		}
		found[commands.Get[0]] = commands
	}
	return found
}

func TestExamples(t *testing.T) {
	want := []string{"gopass", "op", "pass", "vault-bw"}
	if got := slices.Sorted(maps.Keys(examples(t))); !slices.Equal(got, want) {
		t.Errorf("examples for %q, want %q", got, want)
	}
}

// A keyring is a home of gpg with one key.
type keyring struct {
	dir string
	env []string
}

// newKeyring makes a key. Where it has a passphrase, testdata/pinentry gives
// it.
func newKeyring(t *testing.T, passphrase string) keyring {
	t.Helper()
	need(t, "pass")
	need(t, "gpg")
	dir, err := os.MkdirTemp("/tmp", "gpg") // a short path, for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	pinentry, err := filepath.Abs("testdata/pinentry")
	if err != nil {
		t.Fatal(err)
	}
	k := keyring{dir, append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "PASSWORD_STORE_") }),
		"GNUPGHOME="+dir, "LC_ALL=C")}
	// The least work for a passphrase: its strength is not the point.
	config := "pinentry-program " + pinentry + "\ns2k-count 65536\n"
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "gpg-agent.conf"), []byte(config), 0o600),
		os.WriteFile(filepath.Join(dir, "passphrase"), []byte(passphrase), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.run(t, "gpgconf", "--kill", "gpg-agent")
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	k.run(t, "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase, "--quick-gen-key", "vault@example.com", "future-default", "default", "never")
	return k
}

func (k keyring) run(t *testing.T, words ...string) {
	t.Helper()
	c := exec.Command(words[0], words[1:]...)
	c.Env = k.env
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", words, err, out)
	}
}

// asked returns where dialogs were opened since it was last called.
func (k keyring) asked(t *testing.T) []string {
	t.Helper()
	path := filepath.Join(k.dir, "asked")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := errors.Join(err, os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// passStore returns a new password store, made as the documentation says.
func (k keyring) passStore(t *testing.T) *Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pass word")
	k.env = append(slices.Clone(k.env), "PASSWORD_STORE_DIR="+dir)
	k.run(t, "pass", "init", "--path=vault", "vault@example.com")
	return &Store{Commands: examples(t)["pass"], Environ: k.env, LockPath: filepath.Join(t.TempDir(), "lock"), Stderr: &words{}}
}

func TestPass(t *testing.T) {
	k := newKeyring(t, "")
	keystoretest.TestStore(t, func(t *testing.T) keystore.Store { return k.passStore(t) })
}

// A store that is not there, on a disk that is not mounted, is not an empty
// one; a folder is not a value.
func TestPassGone(t *testing.T) {
	k := newKeyring(t, "")
	s := k.passStore(t)
	mustSet(t, s, "key/a", "one")
	wantError(t, s.Delete(t.Context(), "key/a"), nil)
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, err, keystore.ErrNotFound)
	wantKeys(t, s) // deleting the last one does not end the store

	mustSet(t, s, "key/a", "one")
	_, err = s.Get(t.Context(), "key") // pass prints a tree
	wantError(t, err, keystore.ErrNotFound)
	wantError(t, s.Delete(t.Context(), "key"), keystore.ErrNotFound)
	wantValue(t, s, "key/a", "one")

	s.Environ = append(s.Environ, "PASSWORD_STORE_DIR="+t.TempDir())
	_, err = s.Get(t.Context(), "key/a")
	var failed *Error
	if !errors.As(err, &failed) || failed.Which != "list" || errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("Get from a store that is gone: %v", err)
	}
	if keys, err := s.Keys(t.Context()); err == nil {
		t.Errorf("keys %q of a store that is gone", keys)
	}
}

// gpg empties the file before it finds out that the disk is full.
func TestPassFullDisk(t *testing.T) {
	k := newKeyring(t, "")
	s := k.passStore(t)
	set := s.Commands.Set
	mustSet(t, s, "key/a", "old")
	for _, full := range []string{"*~", "*/a", "*"} {
		s.Commands.Set = append([]string{"sh", "-c", `for last; do :; done; case $last in ` + full + `) ulimit -f 0 ;; esac; exec "$@"`, "sh"}, set...)
		err := s.Set(t.Context(), "key/a", keystore.NewSecret("new"))
		var failed *Error
		if !errors.As(err, &failed) {
			t.Errorf("%s: %v", full, err)
		}
		wantValue(t, s, "key/a", "old")
		wantKeys(t, s, "key/a")
	}
	s.Commands.Set = set
	mustSet(t, s, "key/a", "new")
	wantValue(t, s, "key/a", "new")
}

// gpg asks on the terminal; where nobody can be asked nothing opens; once
// somebody was, nothing has to.
func TestPassAsks(t *testing.T) {
	k := newKeyring(t, "secret")
	k.env = slices.DeleteFunc(k.env, func(e string) bool { return strings.HasPrefix(e, "GPG_TTY=") })
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	s := k.passStore(t)
	s.Terminal = theirs
	quiet := *s
	quiet.Unattended = true

	forget := func() { k.run(t, "gpgconf", "--kill", "gpg-agent") }
	asked := func(what string, want ...string) {
		t.Helper()
		if got := k.asked(t); !slices.Equal(got, want) {
			t.Errorf("%s asked on %q, want %q", what, got, want)
		}
	}
	forget() // what making the key has left
	mustSet(t, s, "key/a", "one")
	asked("reading it back", theirs.Name())
	wantValue(t, s, "key/a", "one")
	asked("Get")
	forget()
	_, err = quiet.Get(t.Context(), "key/a")
	var failed *Error
	if !errors.As(err, &failed) || !failed.Unattended || failed.Which != "get" {
		t.Errorf("Get where nobody can be asked: %v", err)
	}
	wantKeys(t, &quiet, "key/a")
	asked("nobody")
	if err := s.Unlock(t.Context()); err != nil {
		t.Error(err)
	}
	asked("Unlock", theirs.Name())
	wantValue(t, &quiet, "key/a", "one")
	asked("nobody")
}
