package keychain

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/keystoretest"
)

func TestStore(t *testing.T) {
	keystoretest.TestStore(t, func(t *testing.T) keystore.Store { return &Store{api: new(fake)} })
}

func TestAvailable(t *testing.T) {
	err := Available()
	if runtime.GOOS != "darwin" && (err == nil || err.Error() != "the Keychain is a part of macOS") {
		t.Errorf("got %v", err)
	}
	if _, openErr := Open(Options{}); (openErr == nil) != (err == nil) || err != nil && !errors.Is(err, keystore.ErrUnavailable) {
		t.Errorf("Open: %v, Available: %v", openErr, err)
	}
}

// check reports the calls since the last check.
func (f *fake) check(t *testing.T, what string, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.calls, want) {
		t.Errorf("%s: calls %q, want %q", what, f.calls, want)
	}
	f.calls = nil
}

func set(t *testing.T, s *Store, key, value string) {
	t.Helper()
	if err := s.Set(t.Context(), key, keystore.NewSecret(value)); err != nil {
		t.Fatal(err)
	}
}

func TestCalls(t *testing.T) {
	f := new(fake)
	s := &Store{api: f}
	set(t, s, "key/work", "one")
	f.check(t, "a new item", "add")
	set(t, s, "key/work", "two")
	f.check(t, "an old item", "add", "update") // never deleted, or its access list would go
	if _, err := s.Get(t.Context(), "key/work"); err != nil {
		t.Error(err)
	}
	f.check(t, "get", "data")
	if keys, err := s.Keys(t.Context()); err != nil || !slices.Equal(keys, []string{"key/work"}) {
		t.Errorf("Keys() = %q, %v", keys, err)
	}
	f.check(t, "keys", "attributes")
	if state, err := s.State(t.Context()); err != nil || state != keystore.Unlocked {
		t.Errorf("State() = %v, %v", state, err)
	}
	f.check(t, "state", "attributes", "status")
	if err := s.Unlock(t.Context()); err != nil {
		t.Error(err)
	}
	f.check(t, "unlock", "attributes", "data")
	if err := s.Lock(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Lock: %v", err)
	}
	f.check(t, "lock")
	want := item{service: "github.com/shellvault/vault", account: "key/work", label: "vault: key/work", local: true}
	got := f.items[0]
	if !bytes.HasPrefix(got.data, []byte(`{"vault":1,"key":"key/work",`)) || bytes.ContainsAny(got.data, "\n\x00") {
		t.Errorf("data %q", got.data)
	}
	got.data = nil
	if got.service != want.service || got.account != want.account || got.label != want.label || got.local != want.local {
		t.Errorf("item %+v, want %+v", got, want)
	}
	if err := s.Delete(t.Context(), "key/work"); err != nil {
		t.Error(err)
	}
	f.check(t, "delete", "delete")
	if state, err := s.State(t.Context()); err != nil || state != keystore.Absent {
		t.Errorf("State() = %v, %v", state, err)
	}
	f.check(t, "state of nothing", "attributes")
}

// Items of other programs, and what another keychain holds once more.
func TestOthers(t *testing.T) {
	f := &fake{items: []item{
		{service: "aws-vault", account: "work", data: []byte("x")},
		{service: service, account: "key/a", data: []byte("not ours")},
		{service: service, account: "key/a", data: []byte("again")},
		{service: service, account: "", data: []byte("x")},
	}}
	s := &Store{api: f}
	if keys, err := s.Keys(t.Context()); err != nil || !slices.Equal(keys, []string{"key/a"}) {
		t.Errorf("Keys() = %q, %v", keys, err)
	}
	_, err := s.Get(t.Context(), "key/a")
	if !errors.Is(err, keystore.ErrCorrupt) || strings.Contains(err.Error(), "not ours") {
		t.Errorf("Get: %v", err)
	}
	set(t, s, "key/a", "one")
	if got, err := s.Get(t.Context(), "key/a"); err != nil || got.Reveal() != "one" {
		t.Errorf("Get: %v", err)
	}
	if string(f.items[0].data) != "x" {
		t.Error("an item of another program changed")
	}
}

// Deleted by another process between add and update.
func TestDeletedMeanwhile(t *testing.T) {
	f := new(fake)
	s := &Store{api: f}
	set(t, s, "key/a", "one")
	f.calls = nil
	f.onUpdate = func() { f.items, f.onUpdate = nil, nil }
	set(t, s, "key/a", "two")
	f.check(t, "set", "add", "update", "add")
	if got, err := s.Get(t.Context(), "key/a"); err != nil || got.Reveal() != "two" {
		t.Errorf("Get: %v", err)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		code      code
		is        error
		needsUser bool
		text      string
	}{
		{errUserCanceled, keystore.ErrLocked, false, `keychain: key "key/a": locked: its dialog was refused (-128)`},
		{errAuthFailed, keystore.ErrLocked, false, `keychain: key "key/a": refused: a wrong password, or this program may not use the item (-25293)`},
		{errInteraction, keystore.ErrLocked, true, `keychain: key "key/a": locked, or not allowed without asking, and macOS cannot ask here (-25308)`},
		{errRequired, keystore.ErrLocked, true, `keychain: key "key/a": locked, or not allowed without asking, and macOS cannot ask here (-25315)`},
		{-25291, nil, false, `keychain: key "key/a": no keychain is available (-25291)`},
		{-99999, nil, false, `keychain: key "key/a": error -99999 of macOS`},
	}
	for _, test := range tests {
		f := &fake{acl: true}
		s := &Store{api: f}
		set(t, s, "key/a", "one")
		f.dialog, f.locked = test.code, true
		_, get := s.Get(t.Context(), "key/a")
		for what, err := range map[string]error{"get": get, "set": s.Set(t.Context(), "key/a", keystore.NewSecret("two"))} {
			var failed *Error
			if !errors.As(err, &failed) || err.Error() != test.text || failed.Code != int(test.code) || failed.NeedsUser != test.needsUser {
				t.Errorf("%s: %+v, want %s", what, failed, test.text)
			}
			for _, kind := range []error{keystore.ErrLocked, keystore.ErrPassphrase, keystore.ErrNotFound} {
				if errors.Is(err, kind) != (kind == test.is) {
					t.Errorf("%s: %v is %v: %v", what, err, kind, kind != test.is)
				}
			}
		}
		f.dialog = nil
		if got, err := s.Get(t.Context(), "key/a"); err != nil || got.Reveal() != "one" {
			t.Errorf("the value after %v: %v", test.code, err)
		}
	}
}

// A locked keychain can be listed; what needs a dialog fails where there is
// none, and never says that a key is not there.
func TestUnattended(t *testing.T) {
	f := new(fake)
	set(t, &Store{api: f}, "key/a", "one")
	s, err := open(f, Options{Unattended: true})
	if err != nil {
		t.Fatal(err)
	}
	f.locked = true
	if state, err := s.State(t.Context()); err != nil || state != keystore.Locked {
		t.Errorf("State() = %v, %v", state, err)
	}
	if keys, err := s.Keys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("Keys() = %q, %v", keys, err)
	}
	_, get := s.Get(t.Context(), "key/a")
	for what, err := range map[string]error{
		"get": get, "unlock": s.Unlock(t.Context()),
		"set": s.Set(t.Context(), "key/a", keystore.NewSecret("two")), "set of a new key": s.Set(t.Context(), "key/b", keystore.NewSecret("two")),
	} {
		var failed *Error
		if !errors.As(err, &failed) || !failed.NeedsUser || !errors.Is(err, keystore.ErrLocked) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if f.asked > 0 {
		t.Errorf("%d dialogs", f.asked)
	}
	var failed *Error
	if err := s.fail("key/a", errAuthFailed); !errors.As(err, &failed) || !failed.NeedsUser {
		t.Errorf("got %v", err)
	}
	if err := f.Interaction(true); err != nil {
		t.Fatal(err)
	}
	if err := s.Unlock(t.Context()); err != nil || f.asked != 1 {
		t.Errorf("Unlock: %v, %d dialogs", err, f.asked)
	}
}

// slow is a Keychain whose dialog is not answered.
type slow struct {
	*fake
	shown, answer chan struct{}
}

func (s slow) Query(which item, want want) ([]item, error) {
	close(s.shown)
	<-s.answer
	return nil, nil
}

// ^C does not wait for a dialog.
func TestCancelledDialog(t *testing.T) {
	a := slow{new(fake), make(chan struct{}), make(chan struct{})}
	defer close(a.answer)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-a.shown
		cancel()
	}()
	if _, err := (&Store{api: a}).Get(ctx, "key/a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
}
