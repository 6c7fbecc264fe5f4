// Package keystoretest holds the contract that every keystore.Store keeps.
package keystoretest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/shellvault/vault/keystore"
)

// TestStore checks that the stores that open returns, empty and independent
// of each other, do what keystore.Store promises.
func TestStore(t *testing.T, open func(*testing.T) keystore.Store) {
	tests := []struct {
		name string
		run  func(*testing.T, keystore.Store)
	}{
		{"empty", testEmpty},
		{"set and get", testSetGet},
		{"values", testValues},
		{"keys", testKeys},
		{"not a key", testNotAKey},
		{"delete", testDelete},
		{"state", testState},
		{"concurrent", testConcurrent},
		{"cancelled", testCancelled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func testEmpty(t *testing.T, s keystore.Store) {
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, "Get", err, keystore.ErrNotFound)
	wantError(t, "Delete", s.Delete(t.Context(), "key/a"), keystore.ErrNotFound)
	wantKeys(t, s)
}

func testSetGet(t *testing.T, s keystore.Store) {
	set(t, s, "key/a", "one")
	set(t, s, "key/b", "two")
	wantValue(t, s, "key/a", "one")
	wantValue(t, s, "key/b", "two")
	set(t, s, "key/a", "three")
	wantValue(t, s, "key/a", "three")
	wantValue(t, s, "key/b", "two")
	wantKeys(t, s, "key/a", "key/b")
	_, err := s.Get(t.Context(), "key/c")
	wantError(t, "Get of another key", err, keystore.ErrNotFound)
	_, err = s.Get(t.Context(), "key/A")
	wantError(t, "Get in capitals", err, keystore.ErrNotFound)
}

func testValues(t *testing.T, s keystore.Store) {
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	for name, value := range map[string]string{
		"empty":   "",
		"newline": "\n",
		"spaces":  "  a b  ",
		"JSON":    `{"v":1,"a":"\u0000<&>"}`,
		"UTF-8":   "clé-ключ-鍵-🔑",
		"binary":  string(binary),
		"zeros":   "\x00\x00\x00",
		"5000":    strings.Repeat("0123456789", 500),
	} {
		set(t, s, name, value)
		wantValue(t, s, name, value)
	}
}

func testKeys(t *testing.T, s keystore.Store) {
	keys := []string{
		"a", "A", "B", "a/b", "a/b/c", "a:b", "a@b", "a.b", "..", "/", "a+b", "a%2Fb", "%", "a b", " a", "a ",
		"-a", "a\\b", "a\nb", "a=b", "a,b", "'a\"b`", "$(a)", "*", "a\u00e9", "ae\u0301", "ключ", "鍵", "🔑",
		"key/work", "internal/sealing-key", "https://example.awsapps.com/start#/", strings.Repeat("k", 1000),
	}
	for i, key := range keys {
		set(t, s, key, fmt.Sprint("value ", i))
	}
	for i, key := range keys {
		wantValue(t, s, key, fmt.Sprint("value ", i))
	}
	wantKeys(t, s, keys...)
}

func testNotAKey(t *testing.T, s keystore.Store) {
	for _, key := range []string{"", "a\x00b", "a\xffb", strings.Repeat("k", 1025)} {
		wantError(t, "Set", s.Set(t.Context(), key, keystore.NewSecret("x")), keystore.ErrKey)
		_, err := s.Get(t.Context(), key)
		wantError(t, "Get", err, keystore.ErrKey)
		wantError(t, "Delete", s.Delete(t.Context(), key), keystore.ErrKey)
	}
	wantKeys(t, s)
}

func testDelete(t *testing.T, s keystore.Store) {
	set(t, s, "key/a", "one")
	set(t, s, "key/b", "two")
	if err := s.Delete(t.Context(), "key/a"); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, "Get after Delete", err, keystore.ErrNotFound)
	wantError(t, "second Delete", s.Delete(t.Context(), "key/a"), keystore.ErrNotFound)
	wantValue(t, s, "key/b", "two")
	wantKeys(t, s, "key/b")
	set(t, s, "key/a", "again")
	wantValue(t, s, "key/a", "again")
}

func testState(t *testing.T, s keystore.Store) {
	set(t, s, "key/a", "one")
	got, err := s.State(t.Context())
	if err != nil || got != keystore.Unlocked {
		t.Errorf("State after Set: %v, %v, want unlocked", got, err)
	}
}

func testConcurrent(t *testing.T, s keystore.Store) {
	const n = 16
	var wg sync.WaitGroup
	var want []string
	for i := range n {
		key := fmt.Sprintf("key/%02d", i)
		want = append(want, key)
		wg.Go(func() {
			for _, value := range []string{"first", "second " + key} {
				if err := s.Set(t.Context(), key, keystore.NewSecret(value)); err != nil {
					t.Errorf("Set(%q): %v", key, err)
				}
			}
			if _, err := s.Get(t.Context(), key); err != nil {
				t.Errorf("Get(%q): %v", key, err)
			}
		})
	}
	wg.Wait()
	wantKeys(t, s, want...)
	for _, key := range want {
		wantValue(t, s, key, "second "+key)
	}
}

func testCancelled(t *testing.T, s keystore.Store) {
	set(t, s, "key/a", "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Set", s.Set(ctx, "key/a", keystore.NewSecret("two")), context.Canceled)
	_, err := s.Get(ctx, "key/a")
	wantError(t, "Get", err, context.Canceled)
	wantError(t, "Delete", s.Delete(ctx, "key/a"), context.Canceled)
	_, err = s.Keys(ctx)
	wantError(t, "Keys", err, context.Canceled)
	_, err = s.State(ctx)
	wantError(t, "State", err, context.Canceled)
	wantValue(t, s, "key/a", "one")
}

func set(t *testing.T, s keystore.Store, key, value string) {
	t.Helper()
	if err := s.Set(t.Context(), key, keystore.NewSecret(value)); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

func wantValue(t *testing.T, s keystore.Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil {
		t.Errorf("Get(%q): %v", key, err)
		return
	}
	if got.Reveal() != want {
		t.Errorf("Get(%q) = %q, want %q", key, got.Reveal(), want)
	}
}

func wantKeys(t *testing.T, s keystore.Store, want ...string) {
	t.Helper()
	slices.Sort(want)
	got, err := s.Keys(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Keys() = %q, %v, want %q", got, err, want)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}
