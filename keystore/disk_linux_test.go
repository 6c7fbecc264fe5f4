package keystore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const mountsMark = "KEYSTORE_TEST_MOUNTS"

// withMounts runs the test again in a process that may mount, and where
// nobody else sees it. It returns true in that process.
func withMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(mountsMark) != "" {
		return true
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), mountsMark+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skip("no namespace to mount in: ", err)
	case err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", target, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(target, unix.MNT_DETACH) })
}

// A real disk that is really full.
func TestFullDisk(t *testing.T) {
	if !withMounts(t) {
		return
	}
	dir := t.TempDir()
	mount(t, "none", dir, "tmpfs", 0, "size=64k,mode=0700")
	f := testFile(t, &human{answers: []string{rightPassphrase}})
	f.Path = filepath.Join(dir, "vault", "keys")
	f.Cache = heldKey()
	mustSet(t, f, "key/a", "one")
	before, files := readFile(t, f.Path), names(t, f.Path)
	for range 3 {
		wantError(t, f.Set(t.Context(), "key/b", NewSecret(strings.Repeat("x", 60_000))), unix.ENOSPC)
		if got := names(t, f.Path); !slices.Equal(got, files) || !bytes.Equal(before, readFile(t, f.Path)) {
			t.Errorf("left behind: %q", got)
		}
	}
	mustSet(t, f, "key/a", "two")
	wantValue(t, f, "key/a", "two")
}

// A file that cannot be written to can still be unlocked.
func TestReadOnlyDisk(t *testing.T) {
	if !withMounts(t) {
		return
	}
	f := sealedFile(t)
	dir := filepath.Dir(f.Path)
	for _, lock := range []string{".lock", ".unlock.lock"} {
		if err := os.Remove(f.Path + lock); err != nil {
			t.Fatal(err)
		}
	}
	mount(t, dir, dir, "", unix.MS_BIND, "")
	mount(t, "", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	wantValue(t, f, "key/a", "one")
	wantError(t, f.Set(t.Context(), "key/a", NewSecret("two")), unix.EROFS)

	absent := &File{Path: filepath.Join(dir, "other"), kdf: quickKDF}
	absent.Passphrase = func(context.Context, PassphraseRequest) (Secret, error) {
		t.Error("asked for what cannot be made")
		return NewSecret("x"), nil
	}
	wantError(t, absent.Set(t.Context(), "key/a", NewSecret("two")), unix.EROFS)
}
