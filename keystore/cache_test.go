package keystore

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

func TestHeldKey(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := &HeldKey{Idle: 15 * time.Minute, Max: time.Hour, Now: func() time.Time { return now }}
	want := func(ok bool) {
		t.Helper()
		key, got := h.Load(t.Context())
		if got != ok || ok && !bytes.Equal(key, []byte("key")) {
			t.Errorf("Load() = %q, %v, want %v", key, got, ok)
		}
		clear(key) // a copy
	}
	save := func() {
		t.Helper()
		key := []byte("key")
		if err := h.Save(key); err != nil {
			t.Fatal(err)
		}
		clear(key) // as above
	}
	want(false)
	h.Touch()
	want(false)
	save()
	want(true)
	now = now.Add(15*time.Minute - 1)
	want(true) // which is no use of it
	now = now.Add(1)
	want(false)
	save()
	for range 3 {
		now = now.Add(15*time.Minute - 1)
		h.Touch()
		want(true)
	}
	now = now.Add(15 * time.Minute)
	h.Touch() // too late
	want(false)
	save()
	for range 4 {
		now = now.Add(15 * time.Minute).Add(-1)
		h.Touch()
	}
	now = now.Add(4)
	h.Touch()
	want(false) // after Max, used or not
	save()
	kept := h.key
	if err := h.Drop(); err != nil || !bytes.Equal(kept, make([]byte, 3)) {
		t.Errorf("Drop: %v, and left %q", err, kept)
	}
	want(false)
	h.Idle = 0
	save()
	now = now.Add(time.Hour - 1)
	want(true)
	now = now.Add(1)
	want(false)
}

// noCache refuses to keep keys.
type noCache struct{ err error }

func (noCache) Load(context.Context) ([]byte, bool) { return nil, false }
func (noCache) Touch()                              {}
func (c noCache) Save([]byte) error                 { return c.err }
func (c noCache) Drop() error                       { return c.err }

func TestCaches(t *testing.T) {
	no := noCache{errors.New("no")}
	a, b := heldKey(), heldKey()
	c := Caches{no, a, b}
	if key, ok := c.Load(t.Context()); ok {
		t.Errorf("has %q", key)
	}
	if err := c.Save([]byte("key")); err != nil {
		t.Fatal(err)
	}
	if key, ok := c.Load(t.Context()); !ok || string(key) != "key" {
		t.Errorf("has %q, %v", key, ok)
	}
	if _, ok := b.Load(t.Context()); ok {
		t.Error("it was saved twice")
	}
	if err := b.Save([]byte("second")); err != nil {
		t.Fatal(err)
	}
	c.Touch()
	wantError(t, c.Drop(), no.err)
	if key, ok := c.Load(t.Context()); ok {
		t.Errorf("has %q after Drop", key)
	}
	wantError(t, Caches{no}.Save([]byte("key")), no.err)
	if err := Caches(nil).Save(nil); err == nil {
		t.Error("nowhere is no place to save")
	}
}

// A sealed file works where nothing can be cached: it asks each time.
func TestFileCacheRefuses(t *testing.T) {
	h := &human{answers: []string{rightPassphrase}}
	f := testFile(t, h)
	f.Cache = noCache{errors.New("no")}
	mustSet(t, f, "key/a", "one")
	wantValue(t, f, "key/a", "one")
	if len(h.asked) != 2 {
		t.Errorf("asked %d times", len(h.asked))
	}
	if state, err := f.State(t.Context()); state != Locked || err != nil {
		t.Errorf("State: %v, %v", state, err)
	}
}

// countedCache counts what counts as use.
type countedCache struct {
	DataKeyCache
	touched int
}

func (c *countedCache) Touch() {
	c.touched++
	c.DataKeyCache.Touch()
}

func TestFileTouches(t *testing.T) {
	f := sealedFile(t)
	c := &countedCache{DataKeyCache: heldKey()}
	f.Cache = c
	wantValue(t, f, "key/a", "one")
	for _, test := range []struct {
		name string
		do   func() error
		want int
	}{
		{"State", func() error { _, err := f.State(t.Context()); return err }, 0},
		{"Get", func() error { _, err := f.Get(t.Context(), "key/a"); return err }, 1},
		{"Keys", func() error { _, err := f.Keys(t.Context()); return err }, 1},
		{"Set", func() error { return f.Set(t.Context(), "key/a", NewSecret("two")) }, 1},
		{"Delete", func() error { return f.Delete(t.Context(), "key/a") }, 1},
	} {
		c.touched = 0
		if err := test.do(); err != nil || c.touched != test.want {
			t.Errorf("%s: %v, touched %d times, want %d", test.name, err, c.touched, test.want)
		}
	}
}
