package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/shellvault/vault/keystore"
)

// shell returns a store whose list command is a shell script.
func shell(t *testing.T, script string) *Store {
	t.Helper()
	l := newTool(t)
	l.Commands.List = []string{"sh", "-c", script, l.dir}
	return l.Store
}

// A command that is given up ends with all that it started, also with what
// does not listen.
func TestEnded(t *testing.T) {
	scripts := map[string]string{
		"polite": `sh -c 'trap "echo bye >&2; exit" TERM; sleep 1000 & echo on >&2; wait' & wait`,
		"deaf":   `trap "" TERM; sleep 1000 & echo on >&2; sleep 1000; sleep 1000`,
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			s := shell(t, script)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			s.Stderr = w // inherited: it is open for as long as one of them runs
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			failed := make(chan error, 1)
			go func() {
				_, err := s.Keys(ctx)
				w.Close()
				failed <- err
			}()
			if _, err := io.ReadFull(r, make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			cancel()
			wantError(t, <-failed, context.Canceled)
			said, err := io.ReadAll(r) // waits for all of them
			if err != nil || name == "polite" && !strings.Contains(string(said), "bye\n") {
				t.Errorf("they said %q, %v", said, err)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	s := shell(t, "sleep 1000")
	s.Timeout = 50 * time.Millisecond
	_, err := s.Keys(t.Context())
	wantError(t, err, context.DeadlineExceeded)
	if want := `keystore "sh": list: no answer within 50ms`; message(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}

	// It is no time to ask again.
	l := newTool(t)
	mustSet(t, l.Store, "key/a", "one")
	l.fault(t, 0, "")
	l.Commands.Get = []string{"sh", "-c", "sleep 1000", "{key}"}
	l.Timeout = s.Timeout
	_, err = l.Get(t.Context(), "key/a")
	wantError(t, err, context.DeadlineExceeded)
	if calls := l.calls(t); len(calls) > 0 {
		t.Errorf("and then it called %q", calls)
	}

	// The caller's own deadline is his.
	ctx, cancel := context.WithTimeout(t.Context(), s.Timeout)
	defer cancel()
	s.Timeout = time.Hour
	_, err = s.Keys(ctx)
	var failed *Error
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &failed) {
		t.Errorf("got %v", err)
	}
}

// A daemon that keeps a command's output open holds nobody up for good.
func TestDaemon(t *testing.T) {
	l := newTool(t)
	mustSet(t, l.Store, "key/a", "one")
	fifo := l.dir + ".fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	l.Commands.Get = []string{"sh", "-c", `read x < "$0.fifo" & exec cat "$0/$1.gpg"`, l.dir}
	wantValue(t, l.Store, "key/a", "one")
	if err := os.WriteFile(fifo, []byte("end\n"), 0); err != nil { // waits for the daemon
		t.Error(err)
	}
}

func TestProgramMissing(t *testing.T) {
	l := newTool(t)
	for _, words := range []*[]string{&l.Commands.Get, &l.Commands.Set, &l.Commands.Delete, &l.Commands.List} {
		*words = []string{"no-such-program"}
	}
	_, err := l.Get(t.Context(), "key/a")
	if want := `keystore "no-such-program": list: executable file not found in $PATH`; message(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	wantError(t, l.Set(t.Context(), "key/a", keystore.NewSecret("x")), exec.ErrNotFound)
	wantError(t, l.Delete(t.Context(), "key/a"), exec.ErrNotFound)
}

// A command has its input before it begins.
func TestFill(t *testing.T) {
	for _, size := range []int{0, 1, 4000} {
		input := bytes.Repeat([]byte("x"), size)
		r, _, err := fill(input)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, input) { // to its end
			t.Errorf("%d bytes are %d, %v", size, len(got), err)
		}
		r.Close()
	}

	// What is larger than a pipe comes as it is read.
	l := newTool(t)
	large := strings.Repeat("0123456789", 30_000)
	mustSet(t, l.Store, "key/a", large)
	wantValue(t, l.Store, "key/a", large)
	l.Commands.Set = []string{"true"} // or is not
	if err := l.Set(t.Context(), "key/b", keystore.NewSecret(large)); err == nil {
		t.Error("no error")
	}
}

func TestTooMuch(t *testing.T) {
	_, err := shell(t, "yes").Keys(t.Context())
	wantError(t, err, errTooMuch)
	keys, err := shell(t, `i=0; while [ $i -lt 3000 ]; do echo "key/$i"; i=$((i+1)); done`).Keys(t.Context())
	if len(keys) != 3000 || err != nil {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

// The secret goes where it has to and nowhere else.
func TestSecretIsNoArgument(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	l := newTool(t)
	l.Environ = []string{"PATH=" + os.Getenv("PATH"), "A=1"}
	seen := l.dir + ".seen"
	for _, words := range []*[]string{&l.Commands.Get, &l.Commands.Set, &l.Commands.Delete, &l.Commands.List} {
		*words = append([]string{"sh", "-c", `{ echo "$@"; env; } >> "$0"; exec "$@"`, seen}, *words...)
	}
	l.Commands.Get = append(l.Commands.Get, "{key}")
	mustSet(t, l.Store, "key/a", secret)
	mustSet(t, l.Store, "key/a", secret)
	wantValue(t, l.Store, "key/a", secret)
	l.fault(t, 5, "half-lie")
	err := l.Set(t.Context(), "key/a", keystore.NewSecret(secret+"2"))
	if err == nil {
		t.Error("no error")
	}
	data, readErr := os.ReadFile(seen)
	if readErr != nil || !bytes.Contains(data, []byte("A=1\n")) || bytes.Contains(data, []byte("HOME=")) {
		t.Fatalf("%v: %q", readErr, data)
	}
	leaked := string(data) + l.said.take() + fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, part := range []string{secret[:10], "d0phbHJYVXRu"} { // base64 of it
		if strings.Contains(leaked, part) {
			t.Errorf("%q in %q", part, leaked)
		}
	}
}

// What the program says is held back until it is of use.
func TestStderr(t *testing.T) {
	l := newTool(t)
	l.patience = time.Hour
	l.Commands.Get = []string{"sh", "-c", `cat "$0/$1.gpg"`, l.dir, "{key}"}
	_, err := l.Get(t.Context(), "key/a")
	wantError(t, err, keystore.ErrNotFound)
	mustSet(t, l.Store, "key/a", "one")
	if said := l.said.take(); said != "" {
		t.Errorf("it said %q", said)
	}
	l.Commands.Get = []string{"sh", "-c", "echo no gpg key >&2; exit 2"}
	_, err = l.Get(t.Context(), "key/a")
	var failed *Error
	if !errors.As(err, &failed) || l.said.take() != "no gpg key\n" {
		t.Errorf("%v, and it said something else", err)
	}

	// But a question is heard while the command waits for the answer.
	l.patience = time.Millisecond
	fifo := l.dir + ".fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	l.Commands.Get = []string{"sh", "-c", `echo "touch your key" >&2; read x < "$0.fifo"; cat "$0/$1.gpg"`, l.dir}
	l.Stderr = writer(func(p []byte) {
		if string(p) != "touch your key\n" {
			t.Errorf("it said %q", p)
		}
		go func() { _ = os.WriteFile(fifo, []byte("touched\n"), 0) }()
	})
	wantValue(t, l.Store, "key/a", "one")
	l.Stderr = nil
	l.Commands.Get = []string{"false"}
	if _, err := l.Get(t.Context(), "key/a"); err == nil {
		t.Error("no error")
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

func init() {
	children["where"] = func(_ context.Context, args []string) error {
		sid, err := unix.Getsid(0)
		if err != nil {
			return err
		}
		report := fmt.Sprintf("terminal=%v alone=%v", term.IsTerminal(0), sid == os.Getpid())
		if args[0] == "set" {
			in, err := io.ReadAll(os.Stdin)
			if err != nil {
				return err
			}
			report += fmt.Sprintf(" input=%d", len(in))
		}
		for _, name := range []string{"PASSWORD_STORE_GPG_OPTS", "GOPASS_GPG_OPTS", "OP_BIOMETRIC_UNLOCK_ENABLED", "BW_NOINTERACTION"} {
			if value, ok := os.LookupEnv(name); ok {
				report += " " + name + "=" + value
			}
		}
		fmt.Fprintln(os.Stderr, report)
		return nil
	}
}

// Where a command may ask there is a terminal; elsewhere there is none.
func TestTerminal(t *testing.T) {
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer theirs.Close()
	const quiet = " PASSWORD_STORE_GPG_OPTS=%s--pinentry-mode=error%s OP_BIOMETRIC_UNLOCK_ENABLED=false BW_NOINTERACTION=true\n"
	tests := []struct {
		name       string
		terminal   *os.File
		unattended bool
		env        []string
		list, set  string
	}{
		{name: "terminal", terminal: theirs, list: "terminal=true alone=false\n", set: "terminal=false alone=false input=5\n"},
		{name: "none", list: "terminal=false alone=true\n", set: "terminal=false alone=true input=5\n"},
		{name: "unattended", terminal: theirs, unattended: true,
			list: "terminal=false alone=true" + fmt.Sprintf(quiet, "", ""), set: "terminal=false alone=true input=5" + fmt.Sprintf(quiet, "", "")},
		{name: "options", unattended: true, env: []string{"PASSWORD_STORE_GPG_OPTS=-x -y", "GOPASS_GPG_OPTS=-z"},
			list: "terminal=false alone=true" + fmt.Sprintf(quiet, "-x -y ", " GOPASS_GPG_OPTS=-z --pinentry-mode=error"),
			set:  "terminal=false alone=true input=5" + fmt.Sprintf(quiet, "-x -y ", " GOPASS_GPG_OPTS=-z --pinentry-mode=error")},
	}
	for _, test := range tests {
		said := &words{}
		s := &Store{
			Terminal: test.terminal, Unattended: test.unattended, Stderr: said,
			Environ: append([]string{childMark + "=where"}, test.env...),
			Commands: Commands{
				Set:  []string{os.Args[0], "set"},
				List: []string{os.Args[0], "list"},
			},
		}
		if _, err := s.Keys(t.Context()); err != nil {
			t.Error(err)
		}
		if got := said.take(); got != test.list {
			t.Errorf("%s: list with %q, want %q", test.name, got, test.list)
		}
		if _, err := s.run(t.Context(), task{"set", "key/a", s.Commands.Set, []byte("12345")}, said); err != nil {
			t.Error(err)
		}
		if got := said.take(); got != test.set {
			t.Errorf("%s: set with %q, want %q", test.name, got, test.set)
		}
	}
}

func init() {
	children["writer"] = func(ctx context.Context, args []string) error {
		s := oneFile(args[0])
		for i := range 4 {
			key := fmt.Sprintf("key/%s-%d", args[1], i)
			if err := s.Set(ctx, key, keystore.NewSecret(key)); err != nil {
				return err
			}
		}
		return nil
	}
}

// oneFile returns a store that, like a KeePass database, reads and rewrites
// one file for each change.
func oneFile(path string) *Store {
	sh := func(script string) []string { return []string{"sh", "-c", script, path, "{key}"} }
	return &Store{
		Commands: Commands{
			Get:    sh(`sed -n "s|^$1 ||p" "$0"`),
			Set:    sh(`all=$(grep -v "^$1 " "$0"); { printf "%s\n" "$all"; printf "%s " "$1"; cat; } > "$0"`),
			Delete: sh(`all=$(grep -v "^$1 " "$0"); printf "%s\n" "$all" > "$0"`),
			List:   []string{"sed", "s/ .*//", path},
		},
		Environ:  os.Environ(),
		LockPath: path + ".lock",
	}
}

// Many processes write at once, and nothing is lost.
func TestProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "values")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var writers []*exec.Cmd
	var want []string
	for i := range 6 {
		c := child(t, "writer", path, fmt.Sprint(i))
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, c)
		for j := range 4 {
			want = append(want, fmt.Sprintf("key/%d-%d", i, j))
		}
	}
	for _, c := range writers {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	s := oneFile(path)
	slices.Sort(want)
	wantKeys(t, s, want...)
	for _, key := range want {
		wantValue(t, s, key, key)
	}
}
