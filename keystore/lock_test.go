package keystore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func init() {
	// lock PATH: takes the lock, says so, and keeps it until it is killed.
	children["lock"] = func(ctx context.Context, args []string) error {
		if _, err := Lock(ctx, args[0]); err != nil {
			return err
		}
		fmt.Println("locked")
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
}

func lockPath(t *testing.T) string { return filepath.Join(t.TempDir(), "state", "a.lock") }

func TestLockExcludes(t *testing.T) {
	path := lockPath(t)
	var inside atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 10 {
				unlock, err := Lock(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				inside.Add(-1)
				unlock()
				unlock()
			}
		})
	}
	wg.Wait()
}

func TestTryLock(t *testing.T) {
	path := lockPath(t)
	unlock, ok, err := TryLock(path)
	if !ok || err != nil {
		t.Fatalf("free: %v, %v", ok, err)
	}
	if _, ok, err := TryLock(path); ok || err != nil {
		t.Fatalf("held: %v, %v", ok, err)
	}
	unlock()
	unlock, err = Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := TryLock(path); ok || err != nil {
		t.Fatalf("held: %v, %v", ok, err)
	}
	unlock()
	if unlock, ok, err = TryLock(path); !ok || err != nil {
		t.Fatalf("free again: %v, %v", ok, err)
	}
	unlock()
}

// The end of the context ends the wait, and the wait that is left behind
// does not keep the lock.
func TestLockCancelled(t *testing.T) {
	path := lockPath(t)
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Lock(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("done before: %v", err)
	}
	for range 5 {
		f, err := openLock(path)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, waitLock(ctx, f), context.Canceled) // comes to wait, and does not
	}
	unlock()
	unlock, err = Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestLockOfKilledProcess(t *testing.T) {
	path := lockPath(t)
	c := child(t, "lock", path)
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the child said nothing")
	}
	if _, ok, err := TryLock(path); ok || err != nil {
		t.Fatalf("the child does not hold the lock: %v", err)
	}
	if got := Holder(path); got != c.Process.Pid {
		t.Errorf("the holder is %d, not %d", got, c.Process.Pid)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if got := Holder(path); got != 0 {
		t.Errorf("%d, which is gone, is the holder", got)
	}
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if got := Holder(path); got != os.Getpid() {
		t.Errorf("the holder is %d, not %d", got, os.Getpid())
	}
}

// What is no process in the file of a lock is nobody, and in nobody's way.
func TestHolderUnknown(t *testing.T) {
	path := lockPath(t)
	if got := Holder(path); got != 0 {
		t.Errorf("%d holds what is not there", got)
	}
	for _, text := range []string{"", "\n", "-1\n", "0\n", "x\n", "99999999999999999999\n", strings.Repeat("7", 40)} {
		if err := WriteFileAtomic(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Holder(path); got != 0 {
			t.Errorf("%q: holder %d", text, got)
		}
		unlock, ok, err := TryLock(path)
		if !ok || err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		unlock()
		if got := Holder(path); got != os.Getpid() {
			t.Errorf("over %q: holder %d", text, got)
		}
	}
}

// A lock file that was removed excludes nobody: who waited for it takes the
// one that is there now.
func TestLockFileReplaced(t *testing.T) {
	path := lockPath(t)
	first, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	first()
	second, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer second()
	if _, ok := settle(f, path); ok {
		t.Error("the lock of a removed file counts")
	}
	if _, ok, err := TryLock(path); ok || err != nil {
		t.Errorf("two hold the lock: %v", err)
	}
}

func TestLockRefuses(t *testing.T) {
	path := lockPath(t)
	if err := WriteFileAtomic(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Lock(t.Context(), path)
	wantRefused(t, err, "mode 0644", path)
	_, _, err = TryLock(path)
	wantRefused(t, err, "mode 0644", path)
	if err := errors.Join(os.Remove(path), os.Symlink("other", path)); err != nil {
		t.Fatal(err)
	}
	_, err = Lock(t.Context(), path)
	wantRefused(t, err, "is a symbolic link", path)
	if n := names(t, path); len(n) != 1 {
		t.Errorf("made %q", n)
	}
}
