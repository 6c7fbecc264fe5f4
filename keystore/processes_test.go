package keystore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fileKey is a DataKeyCache that processes of a test share: a clear file.
type fileKey struct{ path string }

func (k fileKey) Load(context.Context) ([]byte, bool) {
	key, err := os.ReadFile(k.path)
	return key, err == nil
}
func (k fileKey) Touch()                {}
func (k fileKey) Save(key []byte) error { return WriteFileAtomic(k.path, key, 0o600) }
func (k fileKey) Drop() error           { return os.Remove(k.path) }

// childFile returns the sealed file at path as the child of a test has it. It
// writes a line to path.asked each time it is asked for the passphrase, and
// one to path.derived for each derivation, and fails when two derive at once.
func childFile(path, cache string) *File {
	f := &File{Path: path}
	switch cache {
	case "file":
		f.Cache = fileKey{path + ".cache"}
	case "kernel":
		f.Cache = kernelKeyOf(path)
	}
	f.Passphrase = func(context.Context, PassphraseRequest) (Secret, error) {
		return NewSecret(rightPassphrase), appendLine(path + ".asked")
	}
	f.kdf = func(h header, p []byte) []byte {
		unlock, alone, err := TryLock(path + ".deriving")
		if err != nil || !alone {
			panic(fmt.Sprint("two derive at once: ", err))
		}
		defer unlock()
		if err := appendLine(path + ".derived"); err != nil {
			panic(err)
		}
		return quickKDF(h, p)
	}
	return f
}

func kernelKeyOf(path string) KernelKey {
	return KernelKey{Description: DataKeyDescription(path), Max: time.Hour, Idle: time.Hour, Now: time.Now}
}

func appendLine(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("x\n")
	return err
}

func init() {
	// set PATH CACHE KEY...: waits for the end of stdin, then sets each key
	// to itself.
	children["set"] = func(ctx context.Context, args []string) error {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		f := childFile(args[0], args[1])
		for _, key := range args[2:] {
			if err := f.Set(ctx, key, NewSecret(key)); err != nil {
				return err
			}
		}
		return nil
	}
	// get PATH CACHE KEY: as set, for one key that is there.
	children["get"] = func(ctx context.Context, args []string) error {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		value, err := childFile(args[0], args[1]).Get(ctx, args[2])
		if err == nil && value.Reveal() != args[2] {
			err = errors.New("wrong value")
		}
		return err
	}
	// write PATH CACHE PREFIX: sets key after key and says each when it is
	// durable, until it is killed.
	children["write"] = func(ctx context.Context, args []string) error {
		f := childFile(args[0], args[1])
		for i := 0; ; i++ {
			key := fmt.Sprint(args[2], i)
			if err := f.Set(ctx, key, NewSecret(key)); err != nil {
				return err
			}
			fmt.Println(key)
		}
	}
}

// together starts all commands, lets them go at once, and waits for them.
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

func lines(t *testing.T, path string) int {
	t.Helper()
	return bytes.Count(readFile(t, path), []byte("\n"))
}

// Fifty processes that start at once: one is asked, and no key is lost.
func TestProcesses(t *testing.T) {
	for _, cache := range []string{"file", "kernel", "none"} {
		t.Run(cache, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vault", "keys")
			if cache == "kernel" {
				needKernelKeyring(t)
				t.Cleanup(func() { _ = kernelKeyOf(path).Drop() })
			}
			const processes, keys = 50, 4
			var commands []*exec.Cmd
			var want []string
			for p := range processes {
				args := []string{path, cache}
				for k := range keys {
					args = append(args, fmt.Sprintf("key/%02d-%d", p, k))
				}
				want = append(want, args[2:]...)
				commands = append(commands, child(t, "set", args...))
			}
			together(t, commands)
			wantAsked := 1 // for the new file
			if cache == "none" {
				wantAsked = processes * keys // each time; the maker of the file has it
			}
			if n := lines(t, path+".asked"); n != wantAsked {
				t.Errorf("asked %d times, want %d", n, wantAsked)
			}

			if cache != "none" {
				if err := childFile(path, cache).Lock(); err != nil {
					t.Fatal(err)
				}
				commands = nil
				for p := range processes {
					commands = append(commands, child(t, "get", path, cache, want[p]))
				}
				together(t, commands)
				if n := lines(t, path+".derived"); n != wantAsked+1 {
					t.Errorf("derived %d times, want %d", n, wantAsked+1)
				}
			}

			f := childFile(path, "")
			f.Cache = heldKey()
			wantKeys(t, f, want)
		})
	}
}

// wantKeys checks that f holds just keys, each with itself as value.
func wantKeys(t *testing.T, f *File, keys []string) {
	t.Helper()
	got, err := f.Keys(t.Context())
	if err != nil || len(got) != len(keys) {
		t.Fatalf("%d keys, %v, want %d", len(got), err, len(keys))
	}
	for _, key := range keys {
		wantValue(t, f, key, key)
	}
}

// Processes killed at any moment: the file is always whole, and what was
// acknowledged is there.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault", "keys")
	f := childFile(path, "")
	f.Cache = heldKey()
	var acknowledged []string
	for round := range 40 {
		c := child(t, "write", path, "file", fmt.Sprintf("key/%d-", round))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		for range rand.IntN(12) {
			if !said.Scan() {
				t.Fatal("the child ended by itself")
			}
			acknowledged = append(acknowledged, said.Text())
		}
		// It is now somewhere between this key and some key after it.
		for range rand.IntN(200_000) {
			rand.Uint64()
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for said.Scan() {
			acknowledged = append(acknowledged, said.Text())
		}
		_ = c.Wait()

		keys, err := f.Keys(t.Context())
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		have := map[string]bool{}
		for _, key := range keys {
			have[key] = true
		}
		for _, key := range acknowledged {
			if !have[key] {
				t.Fatalf("round %d: %s was acknowledged and is lost", round, key)
			}
		}
	}
	mustSet(t, f, "key/last", "key/last")
	for _, name := range names(t, path) {
		if strings.Contains(name, ".keys.tmp-") {
			t.Errorf("left behind: %s", name)
		}
	}
}
