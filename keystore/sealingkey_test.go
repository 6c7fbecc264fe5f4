package keystore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func init() {
	// sealing PATH CACHE: writes the sealing key to stdout.
	children["sealing"] = func(ctx context.Context, args []string) error {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		key, err := SealingKey(ctx, childFile(args[0], args[1]), nil, args[0]+".sealing.lock")
		fmt.Println(hex.EncodeToString(key))
		return err
	}
}

func TestSealingKeyProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault", "keys")
	var commands []*exec.Cmd
	outputs := make([]bytes.Buffer, 20)
	for i := range outputs {
		c := child(t, "sealing", path, "file")
		c.Stdout = &outputs[i]
		commands = append(commands, c)
	}
	together(t, commands)
	for i := range outputs {
		if got, want := outputs[i].String(), outputs[0].String(); got != want || len(want) != 2*keySize+1 {
			t.Errorf("process %d has key %q, process 0 %q", i, got, want)
		}
	}
	if n := lines(t, path+".asked"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if profiles, err := Profiles(t.Context(), childFile(path, "file")); len(profiles) != 0 || err != nil {
		t.Errorf("Profiles() = %q, %v", profiles, err)
	}
}

// unopened is a store that nobody may open.
type unopened struct{ Store }

func TestSealingKeyCached(t *testing.T) {
	store, cache := new(Memory), heldKey()
	lock := filepath.Join(t.TempDir(), "vault", "lock")
	first, err := SealingKey(t.Context(), store, cache, lock)
	if err != nil || len(first) != keySize {
		t.Fatal(first, err)
	}
	held, unlocked, err := TryLock(lock)
	if !unlocked || err != nil {
		t.Fatal("the lock is held: ", err)
	}
	defer held()
	for name, second := range map[string]func() ([]byte, error){
		"cache": func() ([]byte, error) { return SealingKey(t.Context(), unopened{}, cache, lock) },
		// To read it, one waits for nobody.
		"store": func() ([]byte, error) { return SealingKey(t.Context(), store, nil, lock) },
	} {
		key, err := second()
		if err != nil || !bytes.Equal(key, first) {
			t.Errorf("%s: %x, %v, want %x", name, key, err, first)
		}
	}
	other, err := SealingKey(t.Context(), new(Memory), nil, lock+"2")
	if err != nil || bytes.Equal(other, first) {
		t.Errorf("another store: %x, %v", other, err)
	}
}

func TestSealingKeyErrors(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "vault", "lock")
	bad := new(Memory)
	mustSet(t, bad, sealingKeyName, "c2hvcnQ=")
	locked := sealedFile(t)
	locked.Passphrase = nil
	absent := testFile(t, nil)
	absent.Passphrase = nil
	for _, test := range []struct {
		name  string
		store Store
		want  error
	}{{"bad", bad, ErrCorrupt}, {"locked", locked, ErrLocked}, {"absent", absent, ErrLocked}} {
		cache := heldKey()
		key, err := SealingKey(t.Context(), test.store, cache, lock)
		if key != nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %x, %v, want %v", test.name, key, err, test.want)
		}
		if _, ok := cache.Load(t.Context()); ok {
			t.Errorf("%s: something was cached", test.name)
		}
	}
}
