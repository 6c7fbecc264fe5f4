package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/keystore"
)

func init() {
	children["set"] = func(ctx context.Context, args []string) error {
		return toolStore(args[0], nil).Set(ctx, args[1], keystore.NewSecret(args[2]))
	}
	children["delete"] = func(ctx context.Context, args []string) error {
		return toolStore(args[0], nil).Delete(ctx, args[1])
	}
}

// The calls of each operation: what it costs, and where it can be cut off.
func TestCalls(t *testing.T) {
	l := newTool(t)
	check := func(want ...string) {
		t.Helper()
		if got := l.calls(t); !slices.Equal(got, want) {
			t.Errorf("calls %q, want %q", got, want)
		}
		l.fault(t, 0, "")
	}
	mustSet(t, l.Store, "key/a", "one")
	check("list", "set key/a", "get key/a", "list")
	wantValue(t, l.Store, "key/a", "one")
	check("get key/a")
	mustSet(t, l.Store, "key/a", "two")
	check("list", "get key/a", "set key/a~", "get key/a~", "set key/a", "get key/a", "list", "delete key/a~")
	wantKeys(t, l.Store, "key/a")
	check("list")
	if _, err := l.State(t.Context()); err != nil {
		t.Error(err)
	}
	check()
	if err := l.Unlock(t.Context()); err != nil {
		t.Error(err)
	}
	check("list", "get key/a")
	wantError(t, l.Delete(t.Context(), "key/a"), nil)
	check("list", "delete key/a", "list")
	wantError(t, l.Unlock(t.Context()), nil)
	check("list")
	wantError(t, l.Lock(), errors.ErrUnsupported)
	check()
	if said := l.said.take(); said != "" {
		t.Errorf("it said %q", said)
	}
}

// Whatever call of a replacement goes wrong: after an error the old value
// stands, after none the new one does, and the next Set tidies up.
func TestReplaceFaults(t *testing.T) {
	for _, how := range []string{"lie", "fail", "half", "half-lie", "after-fail"} {
		for n := 1; n <= 8; n++ {
			t.Run(fmt.Sprint(how, " ", n), func(t *testing.T) {
				l := newTool(t)
				mustSet(t, l.Store, "key/a", "old")
				l.fault(t, n, how)
				err := l.Set(t.Context(), "key/a", keystore.NewSecret("new"))
				if calls := l.calls(t); len(calls) < n {
					t.Fatalf("there is no call %d: %q", n, calls)
				}
				l.fault(t, 0, "")
				want := "new"
				if err != nil {
					want = "old"
				}
				wantValue(t, l.Store, "key/a", want)
				wantKeys(t, l.Store, "key/a")
				mustSet(t, l.Store, "key/a", "third")
				wantValue(t, l.Store, "key/a", "third")
				if got := l.names(t); !slices.Equal(got, []string{"key/a"}) {
					t.Errorf("left behind: %q", got)
				}
			})
		}
	}
}

// The disk is full from one call on: also what would put things right fails.
func TestReplaceOnFullDisk(t *testing.T) {
	for _, from := range []int{3, 5} { // the backup, the value
		l := newTool(t)
		mustSet(t, l.Store, "key/a", "old")
		l.fault(t, from, "half")
		script := l.Commands.Set[0]
		// Every later set fails in the same way.
		l.Commands.Set = []string{"sh", "-c", `[ "$(wc -l < "$1.log")" -lt ` + fmt.Sprint(from-1) + ` ] || echo "$(($(wc -l < "$1.log") + 1)) half" > "$1.fault"; exec "$0" "$1" set "$2"`, script, l.dir, "{key}"}
		if err := l.Set(t.Context(), "key/a", keystore.NewSecret("new")); err == nil {
			t.Error("no error")
		}
		l.fault(t, 0, "")
		wantValue(t, l.Store, "key/a", "old")
		wantKeys(t, l.Store, "key/a")
	}
}

// The process, and with it the write, is killed at any call: the old value
// stands, or the new one does.
func TestReplaceKilled(t *testing.T) {
	for _, how := range []string{"kill", "half-kill", "kill-late", "after"} {
		for n := 1; n <= 8; n++ {
			t.Run(fmt.Sprint(how, " ", n), func(t *testing.T) {
				l := newTool(t)
				mustSet(t, l.Store, "key/a", "old")
				l.killed(t, n, how, "set", "key/a", "new")
				got, err := l.Get(t.Context(), "key/a")
				if value := got.Reveal(); err != nil || value != "old" && value != "new" {
					t.Errorf("Get() = %q, %v", value, err)
				}
				wantKeys(t, l.Store, "key/a")
				mustSet(t, l.Store, "key/a", "third")
				wantValue(t, l.Store, "key/a", "third")
				if got := l.names(t); !slices.Equal(got, []string{"key/a"}) {
					t.Errorf("left behind: %q", got)
				}
			})
		}
	}
}

// killed runs a child in which call number n of the tool kills it, and waits
// for a tool that outlives it.
func (l tool) killed(t *testing.T, n int, how, name string, args ...string) {
	t.Helper()
	l.fault(t, n, how)
	fifo := l.dir + ".fifo"
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(fifo)
	if err := child(t, name, append([]string{l.dir}, args...)...).Run(); err == nil {
		t.Fatal("not killed")
	}
	if how == "kill-late" {
		if _, err := os.ReadFile(fifo); err != nil { // waits for who writes to it
			t.Fatal(err)
		}
	}
	l.fault(t, 0, "")
}

// A first write that goes wrong leaves nothing, unless this process is killed.
func TestCreateFaults(t *testing.T) {
	for _, how := range []string{"lie", "fail", "half", "half-lie", "after-fail"} {
		for n := 1; n <= 4; n++ {
			t.Run(fmt.Sprint(how, " ", n), func(t *testing.T) {
				l := newTool(t)
				l.fault(t, n, how)
				err := l.Set(t.Context(), "key/a", keystore.NewSecret("new"))
				l.fault(t, 0, "")
				if err == nil {
					wantValue(t, l.Store, "key/a", "new")
					wantKeys(t, l.Store, "key/a")
					return
				}
				_, err = l.Get(t.Context(), "key/a")
				wantError(t, err, keystore.ErrNotFound)
				if got := l.names(t); len(got) > 0 {
					t.Errorf("left behind: %q", got)
				}
			})
		}
	}
}

func TestCreateKilled(t *testing.T) {
	for _, how := range []string{"kill", "half-kill", "kill-late", "after"} {
		for n := 1; n <= 4; n++ {
			t.Run(fmt.Sprint(how, " ", n), func(t *testing.T) {
				l := newTool(t)
				l.killed(t, n, how, "set", "key/a", "new")
				got, err := l.Get(t.Context(), "key/a")
				switch torn := how == "half-kill" && n == 2; {
				case torn && errors.Is(err, keystore.ErrCorrupt):
				case err == nil && !torn && got.Reveal() == "new":
				case errors.Is(err, keystore.ErrNotFound) && !torn && (n < 2 || how == "kill" && n == 2):
				default:
					t.Errorf("Get() = %q, %v", got.Reveal(), err)
				}
			})
		}
	}
}

// What cannot be read is not replaced, but can be deleted.
func TestTorn(t *testing.T) {
	l := newTool(t)
	for _, text := range []string{"", "secret of another program\n", `{"vault":1,"key":"key/a","val`, `{"vault":1,"key":"key/b","value":"b25l"}`, `{"vault":2,"key":"key/a","value":"b25l"}`} {
		write(t, l, "key/a", text)
		_, err := l.Get(t.Context(), "key/a")
		var failed *Error
		if !errors.As(err, &failed) || errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("Get of %q: %v", text, err)
		}
		if strings.Contains(err.Error(), "b25l") || strings.Contains(err.Error(), "secret") {
			t.Errorf("the error quotes the value: %v", err)
		}
		if err := l.Set(t.Context(), "key/a", keystore.NewSecret("new")); !errors.As(err, &failed) {
			t.Errorf("Set over %q: %v", text, err)
		}
		if got, _ := os.ReadFile(filepath.Join(l.dir, "key/a.gpg")); string(got) != text {
			t.Errorf("Set over %q made it %q", text, got)
		}
		wantError(t, l.Delete(t.Context(), "key/a"), nil)
		mustSet(t, l.Store, "key/a", "one")
		wantValue(t, l.Store, "key/a", "one")
	}
}

func write(t *testing.T, l tool, name, text string) {
	t.Helper()
	path := filepath.Join(l.dir, name+".gpg")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// A backup counts only where the value is torn or gone.
func TestBackup(t *testing.T) {
	l := newTool(t)
	mustSet(t, l.Store, "key/a", "old")
	move(t, l, "key/a", "key/a~")
	wantValue(t, l.Store, "key/a", "old")
	wantKeys(t, l.Store, "key/a")
	mustSet(t, l.Store, "key/a", "new")
	wantValue(t, l.Store, "key/a", "new")
	if got := l.names(t); !slices.Equal(got, []string{"key/a"}) {
		t.Errorf("left behind: %q", got)
	}

	// Who closes a dialog once does not get an old key.
	move(t, l, "key/a", "key/a~")
	write(t, l, "key/a", `{"vault":1,"key":"key/a","value":"Y3VycmVudA=="}`)
	l.fault(t, 1, "fail")
	wantValue(t, l.Store, "key/a", "current")

	// Deleted together.
	wantError(t, l.Delete(t.Context(), "key/a"), nil)
	_, err := l.Get(t.Context(), "key/a")
	wantError(t, err, keystore.ErrNotFound)
	for n := 1; n <= 4; n++ { // or not at all
		mustSet(t, l.Store, "key/c", "old")
		move(t, l, "key/c", "key/c~")
		write(t, l, "key/c", `{"vault":1,"key":"key/c","value":"Y3VycmVudA=="}`)
		l.killed(t, n, "kill", "delete", "key/c")
		if n < 4 {
			wantValue(t, l.Store, "key/c", "current")
			wantError(t, l.Delete(t.Context(), "key/c"), nil)
		}
	}
}

func move(t *testing.T, l tool, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(l.dir, from+".gpg"), filepath.Join(l.dir, to+".gpg")); err != nil {
		t.Fatal(err)
	}
}

// Who reads while another writes gets one of the two values.
func TestReadWhileWritten(t *testing.T) {
	l := newTool(t)
	write(t, l, "key/a", "half of it")
	unlock, err := keystore.Lock(t.Context(), l.LockPath)
	if err != nil {
		t.Fatal(err)
	}
	l.Waiting = func() {
		write(t, l, "key/a", `{"vault":1,"key":"key/a","value":"d2hvbGU="}`)
		unlock()
	}
	wantValue(t, l.Store, "key/a", "whole")

	// And does not wait for ever.
	unlock, err = keystore.Lock(t.Context(), l.LockPath)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	l.Waiting = nil
	l.Timeout = 100 * time.Millisecond
	err = l.Set(t.Context(), "key/a", keystore.NewSecret("x"))
	var failed *Error
	if want := `keystore "tool": set "key/a": another process does not stop changing it`; !errors.As(err, &failed) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Where names that differ in case are one, as on many a Mac, neither key is
// taken for the other, nor lost.
func TestCaseBlind(t *testing.T) {
	l := newTool(t)
	for _, words := range []*[]string{&l.Commands.Get, &l.Commands.Set, &l.Commands.Delete} {
		verb := (*words)[2]
		*words = []string{"sh", "-c", `exec "$0" "$1" "$2" "$(echo "$3" | tr A-Z a-z)"`, (*words)[0], l.dir, verb, "{key}"}
	}
	mustSet(t, l.Store, "key/work", "one")
	_, err := l.Get(t.Context(), "key/Work")
	wantError(t, err, keystore.ErrNotFound)
	wantError(t, l.Delete(t.Context(), "key/Work"), keystore.ErrNotFound)
	err = l.Set(t.Context(), "key/Work", keystore.NewSecret("two"))
	if want := `keystore "sh": set "key/Work": it cannot be told from "key/work" there`; message(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	wantValue(t, l.Store, "key/work", "one")
}

// A program that searches for the nearest key is no way to another's value.
func TestNearestMatch(t *testing.T) {
	l := newTool(t)
	mustSet(t, l.Store, "key/workshop", "one")
	l.Commands.Get = []string{"sh", "-c", `cat "$0/$1"*.gpg`, l.dir, "{key}"}
	_, err := l.Get(t.Context(), "key/work")
	wantError(t, err, keystore.ErrNotFound)
	wantValue(t, l.Store, "key/workshop", "one")
}

// A list that does not print what is set is noticed before a key relies on it.
func TestForgetfulList(t *testing.T) {
	l := newTool(t)
	l.Commands.List = []string{"true"}
	err := l.Set(t.Context(), "key/a", keystore.NewSecret("one"))
	wantError(t, err, errNotListed)
	l.Commands.List = []string{"false"}
	_, err = l.Get(t.Context(), "key/b")
	var failed *Error
	if !errors.As(err, &failed) || failed.Which != "list" || errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("Get without a list: %v", err)
	}
}

func TestDeleteFaults(t *testing.T) {
	for how, want := range map[string]string{
		"lie":        `keystore "tool": delete "key/a": the key was deleted, and the list command still prints it`,
		"fail":       `keystore "tool": delete "key/a": exit status 1`,
		"after-fail": "",
	} {
		l := newTool(t)
		mustSet(t, l.Store, "key/a", "one")
		l.fault(t, 2, how)
		if err := l.Delete(t.Context(), "key/a"); message(err) != want {
			t.Errorf("%s: %v, want %q", how, err, want)
		}
		l.fault(t, 0, "")
		if want != "" {
			wantValue(t, l.Store, "key/a", "one")
		}
	}
}
