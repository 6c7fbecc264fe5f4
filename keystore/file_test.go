package keystore

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestFileAsks(t *testing.T) {
	ask := func(n int) PassphraseRequest { return PassphraseRequest{Path: "keys", Attempt: n} }
	choose := func(n int) PassphraseRequest { return PassphraseRequest{Path: "keys", New: true, Attempt: n} }
	tests := []struct {
		name    string
		exists  bool
		answers []string
		asked   []PassphraseRequest
		err     error
	}{
		{name: "new", answers: []string{"x"}, asked: []PassphraseRequest{choose(1), ask(1)}},
		{name: "new, empty first", answers: []string{"", "x"}, asked: []PassphraseRequest{choose(1), choose(2), ask(1)}},
		{name: "new, empty", answers: []string{""}, asked: []PassphraseRequest{choose(1), choose(2), choose(3)}, err: ErrPassphrase},
		{name: "right", exists: true, answers: []string{rightPassphrase}, asked: []PassphraseRequest{ask(1), ask(1)}},
		{name: "right at last", exists: true, answers: []string{"x", "", rightPassphrase}, asked: []PassphraseRequest{ask(1), ask(2), ask(3), ask(1)}},
		{name: "wrong", exists: true, answers: []string{"x", "y", "z", rightPassphrase}, asked: []PassphraseRequest{ask(1), ask(2), ask(3)}, err: ErrPassphrase},
		{name: "empty", exists: true, answers: []string{""}, asked: []PassphraseRequest{ask(1), ask(2), ask(3)}, err: ErrPassphrase},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := &human{answers: test.answers}
			f := testFile(t, h)
			f.kdf = func(h header, passphrase []byte) []byte {
				if len(passphrase) == 0 {
					t.Error("tried without a passphrase")
				}
				return quickKDF(h, passphrase)
			}
			var before []byte
			if test.exists {
				f.Path = sealedFile(t).Path
				before = readFile(t, f.Path)
			}
			err := f.Set(t.Context(), "key/b", NewSecret("two"))
			if err == nil {
				wantValue(t, f, "key/b", "two") // asks again: there is no cache
			}
			wantError(t, err, test.err)
			if !reflect.DeepEqual(h.asked, test.asked) {
				t.Errorf("asked %+v, want %+v", h.asked, test.asked)
			}
			if err != nil {
				wantPath(t, err, f.Path)
				after, _ := os.ReadFile(f.Path)
				if !bytes.Equal(before, after) {
					t.Error("the file changed")
				}
			}
		})
	}
}

func wantPath(t *testing.T, err error, path string) {
	t.Helper()
	var file *FileError
	if !errors.As(err, &file) || file.Path != path || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %q", err, path)
	}
}

// What the one who asks says ends the matter, and leaves nothing locked.
func TestFileAskFails(t *testing.T) {
	for name, cause := range map[string]error{"locked": ErrLocked, "interrupted": context.Canceled, "other": errors.New("tty is gone")} {
		t.Run(name, func(t *testing.T) {
			old := sealedFile(t)
			absent := testFile(t, nil)
			before := readFile(t, old.Path)
			for _, f := range []*File{old, absent} {
				n := 0
				f.Passphrase = func(context.Context, PassphraseRequest) (Secret, error) {
					n++
					return Secret{}, cause
				}
				err := f.Set(t.Context(), "key/b", NewSecret("two"))
				wantError(t, err, cause)
				wantPath(t, err, f.Path)
				if n != 1 {
					t.Errorf("asked %d times", n)
				}
				for _, lock := range []string{".lock", ".unlock.lock"} {
					unlock, ok, err := TryLock(f.Path + lock)
					if !ok || err != nil {
						t.Fatalf("%s is held: %v", lock, err)
					}
					unlock()
				}
			}
			if !bytes.Equal(before, readFile(t, old.Path)) {
				t.Error("the file changed")
			}
			if state, err := absent.State(t.Context()); state != Absent || err != nil {
				t.Errorf("State: %v, %v", state, err)
			}
		})
	}
}

// Who cannot ask does not wait for one who is being asked.
func TestFileNoWayToAsk(t *testing.T) {
	f := sealedFile(t)
	unlock, err := Lock(t.Context(), f.Path+".unlock.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	f.Passphrase = nil
	_, err = f.Get(t.Context(), "key/a")
	wantError(t, err, ErrLocked)
	wantPath(t, err, f.Path)
	_, err = f.Keys(t.Context())
	wantError(t, err, ErrLocked)
	wantError(t, f.Set(t.Context(), "key/a", NewSecret("two")), ErrLocked)
	wantError(t, f.Delete(t.Context(), "key/nosuch"), ErrLocked)
	wantError(t, f.Unlock(t.Context()), ErrLocked)
	wantError(t, f.Rewrap(t.Context()), ErrLocked)
	if errors.Is(err, ErrNotFound) {
		t.Error("locked is not found")
	}
}

func TestFileCache(t *testing.T) {
	h := &human{answers: []string{rightPassphrase}}
	f := testFile(t, h)
	f.Cache = heldKey()
	wantState := func(want State) {
		t.Helper()
		if got, err := f.State(t.Context()); got != want || err != nil {
			t.Errorf("State() = %v, %v, want %v", got, err, want)
		}
	}
	wantState(Absent)
	wantError(t, f.Unlock(t.Context()), fs.ErrNotExist)
	wantError(t, f.Rewrap(t.Context()), fs.ErrNotExist)
	if keys, err := f.Keys(t.Context()); len(keys) != 0 || err != nil {
		t.Errorf("Keys() = %q, %v", keys, err)
	}
	if len(h.asked) != 0 {
		t.Errorf("asked %v for what is not there", h.asked)
	}

	mustSet(t, f, "key/a", "one")
	mustSet(t, f, "key/a", "two")
	wantValue(t, f, "key/a", "two")
	wantState(Unlocked)
	if len(h.asked) != 1 {
		t.Errorf("asked %d times, want once", len(h.asked))
	}
	if err := f.Lock(); err != nil {
		t.Fatal(err)
	}
	wantState(Locked)
	if len(h.asked) != 1 {
		t.Error("State asked")
	}
	for range 2 {
		if err := f.Unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantState(Unlocked)
	if len(h.asked) != 2 {
		t.Errorf("asked %d times, want twice", len(h.asked))
	}

	// A file made anew has another key: that of the old one does not count.
	if err := os.Remove(f.Path); err != nil {
		t.Fatal(err)
	}
	wantState(Absent)
	_, err := f.Get(t.Context(), "key/a")
	wantError(t, err, ErrNotFound)
	mustSet(t, &File{Path: f.Path, Passphrase: h.ask, kdf: quickKDF}, "key/b", "three")
	wantState(Locked)
	wantValue(t, f, "key/b", "three")
	wantState(Unlocked)
}

func TestRewrap(t *testing.T) {
	f := sealedFile(t)
	f.Cache = heldKey()
	wantValue(t, f, "key/a", "one")
	before := readFile(t, f.Path)

	h := &human{answers: []string{"nonsense"}}
	f.Passphrase = h.ask
	wantError(t, f.Rewrap(t.Context()), ErrPassphrase)
	h.answers = []string{rightPassphrase, ""}
	wantError(t, f.Rewrap(t.Context()), ErrPassphrase)
	f.Passphrase = func(_ context.Context, ask PassphraseRequest) (Secret, error) {
		if ask.New {
			return Secret{}, context.Canceled
		}
		return NewSecret(rightPassphrase), nil
	}
	wantError(t, f.Rewrap(t.Context()), context.Canceled)
	if !bytes.Equal(before, readFile(t, f.Path)) {
		t.Error("the file changed")
	}

	h = &human{answers: []string{rightPassphrase, "new passphrase"}}
	f.Passphrase = h.ask
	if err := f.Rewrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []PassphraseRequest{{"keys", false, 1}, {"keys", true, 1}}
	if !reflect.DeepEqual(h.asked, want) {
		t.Errorf("asked %+v, want %+v", h.asked, want)
	}
	wantValue(t, f, "key/a", "one") // the cached key is still the right one
	if len(h.asked) != 2 {
		t.Error("asked after the change")
	}
	f.Cache = nil
	h.answers = []string{rightPassphrase}
	_, err := f.Get(t.Context(), "key/a")
	wantError(t, err, ErrPassphrase)
	h.answers = []string{"new passphrase"}
	wantValue(t, f, "key/a", "one")
}

// The file is another one by the time the passphrase is known: that one
// counts, and loses nothing.
func TestFileReplaced(t *testing.T) {
	for _, exists := range []bool{false, true} {
		f := testFile(t, nil)
		if exists {
			f.Path = sealedFile(t).Path
		}
		other := testFile(t, &human{answers: []string{"other passphrase"}})
		mustSet(t, other, "key/b", "two")
		var asked []PassphraseRequest
		f.Passphrase = func(_ context.Context, ask PassphraseRequest) (Secret, error) {
			asked = append(asked, ask)
			if len(asked) > 1 {
				return NewSecret("other passphrase"), nil
			}
			return NewSecret(rightPassphrase), WriteFileAtomic(f.Path, readFile(t, other.Path), 0o600)
		}
		mustSet(t, f, "key/c", "three")
		want := []PassphraseRequest{{f.Path, !exists, 1}, {f.Path, false, 1}}
		if !reflect.DeepEqual(asked, want) {
			t.Errorf("asked %+v, want %+v", asked, want)
		}
		wantValue(t, f, "key/b", "two")
		wantValue(t, f, "key/c", "three")
	}
}

// Who waits for another's passphrase is told so, once, and only then.
func TestFileWaiting(t *testing.T) {
	f := sealedFile(t)
	var unlock func()
	waited := 0
	f.Waiting = func() {
		waited++
		unlock()
	}
	wantValue(t, f, "key/a", "one")
	if waited != 0 {
		t.Error("waited for nobody")
	}
	unlock, err := Lock(t.Context(), f.Path+".unlock.lock")
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, f, "key/a", "one")
	if waited != 1 {
		t.Errorf("waited %d times", waited)
	}
}

// The end of the context does not wait for the key derivation.
func TestFileInterrupted(t *testing.T) {
	f := sealedFile(t)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	f.kdf = func(header, []byte) []byte {
		cancel()
		<-release
		return nil
	}
	_, err := f.Get(ctx, "key/a")
	wantError(t, err, context.Canceled)
}

// What would not be read again is not written.
func TestFileFull(t *testing.T) {
	f := sealedFile(t)
	f.Cache = heldKey()
	if err := f.Set(t.Context(), "key/big", NewSecret(strings.Repeat("x", MaxFile*3/4))); err == nil {
		t.Error("kept more than a file may hold")
	}
	wantValue(t, f, "key/a", "one")
}

// A file as version 1 wrote it. The parameters and the format are for ever.
const goldenPassphrase = "correct horse battery staple – ключ"

func TestGolden(t *testing.T) {
	data, err := base64.StdEncoding.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	f := testFile(t, nil)
	if err := WriteFileAtomic(f.Path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f.kdf = nil
	f.Cache = heldKey()
	f.Passphrase = (&human{answers: []string{goldenPassphrase}}).ask
	wantValue(t, f, "key/work", "golden value \x00\xff")
	if !bytes.HasPrefix(data, []byte(`{"v":1,"kdf":"argon2id","t":3,"m":65536,"p":4,"salt":"`)) {
		t.Errorf("header %s", data)
	}
	s, err := decode(data)
	if h := newHeader(make([]byte, keySize)); err != nil || h.T != s.T || h.M != s.M || h.P != s.P || h.KDF != s.KDF {
		t.Errorf("a new header is %+v, unlike %+v", h, s.header)
	}
}
