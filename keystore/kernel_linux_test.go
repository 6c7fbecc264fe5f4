package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	// kernel HOW DESCRIPTION: uses a key that the test saved, in a session
	// whose keyring does not lead to the keyring of the user.
	children["kernel"] = func(ctx context.Context, args []string) error {
		runtime.LockOSThread()
		if _, err := unix.KeyctlJoinSessionKeyring("vault-test"); err != nil {
			return err
		}
		k := KernelKey{Description: args[1], Idle: time.Hour, Max: time.Hour, Now: time.Now}
		key, ok := k.Load(ctx)
		switch args[0] {
		case "load":
			if !ok || !bytes.Equal(key, bytes.Repeat([]byte{1}, keySize)) {
				return errors.New("it cannot be loaded")
			}
			id, _, _, _ := k.load()
			if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, 3600, 0, 0); err != nil {
				return fmt.Errorf("it cannot be touched: %w", err)
			}
			if _, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, []byte("x"), 0); err == nil {
				return errors.New("it can be changed in place")
			}
		case "save":
			return k.Save(bytes.Repeat([]byte{2}, keySize))
		case "drop":
			return k.Drop()
		case "nothing":
			if ok || k.Drop() != nil {
				return errors.New("it can be loaded")
			}
		}
		return nil
	}
}

func TestKernelKeyOtherSession(t *testing.T) {
	needKernelKeyring(t)
	k := testKernelKey(t, "a")
	if err := k.Save(bytes.Repeat([]byte{1}, keySize)); err != nil {
		t.Fatal(err)
	}
	run := func(how string) {
		t.Helper()
		if err := child(t, "kernel", how, k.Description).Run(); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
	run("load")
	run("save")
	wantKernelKey(t, k, bytes.Repeat([]byte{2}, keySize))
	run("drop")
	wantKernelKey(t, k, nil)
}

func TestKernelKeyOtherUser(t *testing.T) {
	needKernelKeyring(t)
	needRoot(t)
	k := testKernelKey(t, "a")
	key := bytes.Repeat([]byte{1}, keySize)
	if err := k.Save(key); err != nil {
		t.Fatal(err)
	}
	c := child(t, "kernel", "nothing", k.Description)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	c.Path = copyForAll(t, c.Path)
	if err := c.Run(); err != nil {
		t.Error(err)
	}
	wantKernelKey(t, k, key)
}

// copyForAll copies a program to where every user can execute it.
func copyForAll(t *testing.T, program string) string {
	t.Helper()
	data := readFile(t, program)
	f, err := os.CreateTemp("", "keystore-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(f.Name()) })
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o755), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// The kernel itself ends the key's time, and lets no other user near it.
func TestKernelKeyAttributes(t *testing.T) {
	needKernelKeyring(t)
	k := testKernelKey(t, "a")
	key := bytes.Repeat([]byte{1}, keySize)
	shown := func() (timeout, perm string) {
		t.Helper()
		id, _, _, _ := k.load()
		for line := range strings.Lines(string(readFile(t, "/proc/keys"))) {
			if f := strings.Fields(line); f[0] == fmt.Sprintf("%08x", id) {
				return f[3], f[4]
			}
		}
		t.Fatal("not in /proc/keys")
		return "", ""
	}
	for _, test := range []struct {
		idle time.Duration
		unit string
	}{{30 * time.Second, "s"}, {30 * time.Minute, "m"}, {0, "h"}} {
		k.Idle = test.idle
		if err := k.Save(key); err != nil {
			t.Fatal(err)
		}
		timeout, perm := shown()
		if !strings.HasSuffix(timeout, test.unit) || perm != "3f2b0000" {
			t.Errorf("idle %v: timeout %s, permissions %s", test.idle, timeout, perm)
		}
	}
	k.Idle = 30 * time.Second
	k.Touch()
	if timeout, _ := shown(); !strings.HasSuffix(timeout, "s") {
		t.Errorf("touched: timeout %s", timeout)
	}
}

// Keys that are there and cannot be had are not there.
func TestKernelKeyUnusable(t *testing.T) {
	needKernelKeyring(t)
	key := bytes.Repeat([]byte{1}, keySize)
	tests := []struct {
		name string
		do   func(id int) error
	}{
		{"revoked", func(id int) error {
			_, err := unix.KeyctlInt(unix.KEYCTL_REVOKE, id, 0, 0, 0)
			return err
		}},
		{"denied", func(id int) error { return unix.KeyctlSetperm(id, 0x20000000) }},
		{"too short", func(id int) error {
			_, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, []byte("1234567"), 0)
			return err
		}},
		{"too long", func(id int) error {
			_, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, id, bytes.Repeat([]byte{0x7f}, 300), 0)
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := testKernelKey(t, "a")
			if err := k.Save(key); err != nil {
				t.Fatal(err)
			}
			id, _, _, ok := k.load()
			if !ok {
				t.Fatal("not there")
			}
			if err := test.do(id); err != nil {
				t.Fatal(err)
			}
			wantKernelKey(t, k, nil)
			if err := k.Save(key); err != nil {
				t.Fatal(err)
			}
			wantKernelKey(t, k, key)
		})
	}
}

func TestNotDumpable(t *testing.T) {
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), childMark+"=dumpable")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil || string(out) != "0 true 1\n" {
		t.Errorf("got %q, %v: want not dumpable, finding itself, and a dumpable child", out, err)
	}
}

func init() {
	dumpable := func() int {
		n, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		return n
	}
	// dumpable: says whether it is, finds itself, and whether a child is.
	children["dumpable"] = func(ctx context.Context, _ []string) error {
		undo, err := NotDumpable()
		if err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		_, err = os.Stat(self)
		fmt.Print(dumpable(), " ", err == nil, " ")
		undo()
		c := exec.CommandContext(ctx, "/proc/self/exe")
		c.Env = append(os.Environ(), childMark+"=dumpable child")
		c.Stdout = os.Stdout
		return c.Run()
	}
	children["dumpable child"] = func(context.Context, []string) error {
		fmt.Println(dumpable())
		return nil
	}
}
