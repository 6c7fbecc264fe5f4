package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// needKernelKeyring skips where no key can be kept in the kernel.
func needKernelKeyring(t *testing.T) {
	t.Helper()
	if err := testKernelKey(t, "need").Save([]byte("x")); err != nil {
		t.Skip("no kernel keyring: ", err)
	}
}

// testKernelKey returns a key of this test, which goes with it.
func testKernelKey(t *testing.T, name string) KernelKey {
	t.Helper()
	k := KernelKey{
		Description: fmt.Sprintf("vault:test:%d:%s:%s", os.Getpid(), t.Name(), name),
		Idle:        15 * time.Minute,
		Max:         8 * time.Hour,
		Now:         time.Now,
	}
	t.Cleanup(func() { _ = k.Drop() })
	return k
}

func wantKernelKey(t *testing.T, k KernelKey, want []byte) {
	t.Helper()
	got, ok := k.Load(t.Context())
	if ok != (want != nil) || !bytes.Equal(got, want) {
		t.Errorf("Load() = %x, %v, want %x", got, ok, want)
	}
}

func TestKernelKey(t *testing.T) {
	needKernelKeyring(t)
	k := testKernelKey(t, "a")
	wantKernelKey(t, k, nil)
	k.Touch()
	wantKernelKey(t, k, nil)
	if err := k.Drop(); err != nil {
		t.Error(err)
	}
	one, two := bytes.Repeat([]byte{1}, keySize), bytes.Repeat([]byte{2}, keySize)
	for _, key := range [][]byte{one, two} {
		if err := k.Save(key); err != nil {
			t.Fatal(err)
		}
		wantKernelKey(t, k, key)
		k.Touch()
		wantKernelKey(t, k, key)
	}
	wantKernelKey(t, testKernelKey(t, "b"), nil)
	key, _ := k.Load(t.Context())
	clear(key)
	wantKernelKey(t, k, two)
	for range 2 {
		if err := k.Drop(); err != nil {
			t.Error(err)
		}
		wantKernelKey(t, k, nil)
	}
}

// However often it is used, a key is gone Max after it was saved.
func TestKernelKeyMax(t *testing.T) {
	needKernelKeyring(t)
	now := time.Now()
	k := testKernelKey(t, "a")
	k.Now = func() time.Time { return now }
	key := bytes.Repeat([]byte{1}, keySize)
	if err := k.Save(key); err != nil {
		t.Fatal(err)
	}
	start := now
	for _, d := range []time.Duration{time.Hour, 7 * time.Hour, 8*time.Hour - 2*time.Second} {
		now = start.Add(d)
		wantKernelKey(t, k, key)
		k.Touch()
	}
	now = start.Add(8 * time.Hour)
	wantKernelKey(t, k, nil)
	now = start
	wantKernelKey(t, k, nil) // it was removed, not only refused
}

func TestKernelKeyExtend(t *testing.T) {
	needKernelKeyring(t)
	now := time.Now()
	k := testKernelKey(t, "a")
	k.Idle, k.Max = 0, time.Hour
	k.Now = func() time.Time { return now }
	key := bytes.Repeat([]byte{1}, keySize)
	start := now
	if err := k.Extend(start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantKernelKey(t, k, nil) // there is nothing to extend
	if err := k.Save(key); err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{12 * time.Hour, 2 * time.Hour} { // the latter changes nothing
		if err := k.Extend(start.Add(d)); err != nil {
			t.Fatal(err)
		}
	}
	now = start.Add(12*time.Hour - 2*time.Second)
	wantKernelKey(t, k, key)
	now = start.Add(12 * time.Hour)
	wantKernelKey(t, k, nil)
	if err := k.SaveUntil(key, now); !errors.Is(err, errNoTime) {
		t.Errorf("saved with no time left: %v", err)
	}
}

func TestKernelTimeout(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	tests := []struct {
		idle, left time.Duration
		want       int
	}{
		{15 * time.Minute, 8 * time.Hour, 900},
		{15 * time.Minute, 10 * time.Minute, 600},
		{0, 8 * time.Hour, 28800},
		{15 * time.Minute, time.Millisecond, 1},
		{time.Millisecond, time.Hour, 1},
		{15 * time.Minute, 0, 0},
		{15 * time.Minute, -time.Hour, -3599},
	}
	for _, test := range tests {
		k := KernelKey{Idle: test.idle, Now: func() time.Time { return now }}
		if got := k.timeout(now.Add(test.left)); got != test.want {
			t.Errorf("idle %v, left %v: %d, want %d", test.idle, test.left, got, test.want)
		}
	}
}

func TestDescriptions(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "a"), 0o700), os.Symlink("a", filepath.Join(dir, "b"))); err != nil {
		t.Fatal(err)
	}
	a, b := DataKeyDescription(dir+"/a/keys"), DataKeyDescription(dir+"/b/../b/keys")
	if a != b || !strings.HasPrefix(a, "vault:datakey:") {
		t.Errorf("one file, two descriptions: %s %s", a, b)
	}
	if a == DataKeyDescription(dir+"/a/keys2") || a == SealingKeyDescription(dir+"/a/keys") {
		t.Error("two keys, one description")
	}
}
