package keystore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// answerOnce gives the right passphrase, and gives up when asked again.
func answerOnce(_ context.Context, ask PassphraseRequest) (Secret, error) {
	if ask.Attempt > 1 || ask.New {
		return Secret{}, ErrPassphrase
	}
	return NewSecret(rightPassphrase), nil
}

// Whatever byte of the file is another, wherever it ends: never a panic,
// never a value, always an error that does not say "not found".
func TestDamage(t *testing.T) {
	f := sealedFile(t)
	f.Passphrase = answerOnce
	whole := readFile(t, f.Path)
	cached := &File{Path: f.Path, Cache: heldKey(), Passphrase: answerOnce, kdf: quickKDF}
	wantValue(t, cached, "key/a", "one")
	body := bytes.IndexByte(whole, '\n') + 1

	check := func(what string, data []byte, inBody bool) {
		t.Helper()
		if err := os.WriteFile(f.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, f := range []*File{f, cached} {
			value, err := f.Get(t.Context(), "key/a")
			if err == nil || !value.IsZero() || errors.Is(err, ErrNotFound) {
				t.Fatalf("%s: got %q, %v", what, value.Reveal(), err)
			}
			if inBody && !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: error %v, want %v", what, err, ErrCorrupt)
			}
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrVersion) {
				t.Errorf("%s: error %v", what, err)
			}
			wantPath(t, err, f.Path)
			if _, err := f.Keys(t.Context()); err == nil {
				t.Errorf("%s: Keys has no error", what)
			}
			if err := f.Set(t.Context(), "key/a", NewSecret("two")); err == nil {
				t.Fatalf("%s: Set has no error", what)
			}
			if !bytes.Equal(readFile(t, f.Path), data) {
				t.Fatalf("%s: the file changed", what)
			}
		}
	}
	for i := range whole {
		for _, flip := range []byte{0x01, 0x20, 0x80, 0xff} {
			data := bytes.Clone(whole)
			data[i] ^= flip
			check(fmt.Sprintf("byte %d xor %#x", i, flip), data, i >= body)
		}
		check(fmt.Sprintf("first %d bytes", i), whole[:i], i > body)
		check(fmt.Sprintf("without byte %d", i), append(bytes.Clone(whole[:i]), whole[i+1:]...), i >= body)
	}
	check("a byte more", append(bytes.Clone(whole), 0), true)
	check("twice", append(bytes.Clone(whole), whole...), true)
	check("nothing", nil, false)
	check("zeros", make([]byte, len(whole)), false)
	check("space before", append([]byte(" "), whole...), false)
	check("another field", bytes.Replace(whole, []byte(`{"v":1,`), []byte(`{"v":1,"x":1,`), 1), false)
	check("a field twice", bytes.Replace(whole, []byte(`{"v":1,`), []byte(`{"v":1,"v":1,`), 1), false)
	check("field in capitals", bytes.Replace(whole, []byte(`"t"`), []byte(`"T"`), 1), false)

	other := readFile(t, sealedFile(t).Path)
	check("items of another file", append(bytes.Clone(whole[:body]), other[bytes.IndexByte(other, '\n')+1:]...), true)
}

func TestHeaderBounds(t *testing.T) {
	tests := []struct {
		old, new string
		want     error
	}{
		{`"t":3`, `"t":0`, ErrCorrupt},
		{`"t":3`, `"t":17`, ErrCorrupt},
		{`"t":3`, `"t":4294967295`, ErrCorrupt},
		{`"t":3`, `"t":4294967299`, ErrCorrupt},
		{`"t":3`, `"t":-1`, ErrCorrupt},
		{`"t":3`, `"t":3.5`, ErrCorrupt},
		{`"m":65536`, `"m":8191`, ErrCorrupt},
		{`"m":65536`, `"m":1048577`, ErrCorrupt},
		{`"m":65536`, `"m":4294967295`, ErrCorrupt},
		{`"p":4`, `"p":0`, ErrCorrupt},
		{`"p":4`, `"p":17`, ErrCorrupt},
		{`"p":4`, `"p":260`, ErrCorrupt},
		{`"argon2id"`, `"scrypt"`, ErrCorrupt},
		{`"v":1`, `"v":0`, ErrCorrupt},
		{`"v":1`, `"v":"1"`, ErrCorrupt},
		{`"v":1`, `"v":2`, ErrVersion},
		{`"v":1`, `"v":2,"new":{}`, ErrVersion},
		// Within the bounds: then it is the passphrase that is wrong.
		{`"t":3`, `"t":1`, ErrPassphrase},
		{`"t":3`, `"t":16`, ErrPassphrase},
		{`"m":65536`, `"m":8192`, ErrPassphrase},
		{`"m":65536`, `"m":1048576`, ErrPassphrase},
		{`"p":4`, `"p":16`, ErrPassphrase},
	}
	for _, test := range tests {
		t.Run(test.new, func(t *testing.T) {
			f := sealedFile(t)
			f.Passphrase = answerOnce
			derived := 0
			f.kdf = func(h header, p []byte) []byte {
				derived++
				return quickKDF(h, p)
			}
			data := bytes.Replace(readFile(t, f.Path), []byte(test.old), []byte(test.new), 1)
			if err := os.WriteFile(f.Path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := f.Get(t.Context(), "key/a")
			wantError(t, err, test.want)
			if (derived > 0) != (test.want == ErrPassphrase) {
				t.Errorf("the key was derived %d times", derived)
			}
		})
	}
}

// No write reuses a nonce, no file a salt or a key.
func TestSealedIsFresh(t *testing.T) {
	f := sealedFile(t)
	f.Cache = heldKey()
	seen := map[string]bool{}
	once := func(what string, b []byte) {
		t.Helper()
		if seen[string(b)] {
			t.Errorf("%s appears twice", what)
		}
		seen[string(b)] = true
	}
	for range 3 {
		mustSet(t, f, "key/a", "one")
		s, err := decode(readFile(t, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		once("nonce", s.body[:nonceSize])
	}
	for i := range 3 {
		if i > 0 {
			f = sealedFile(t)
		} else if err := f.Rewrap(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := decode(readFile(t, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		once("salt", s.Salt)
		once("key", s.ID)
		once("nonce", s.Wrapped[:nonceSize])
		once("nonce", s.body[:nonceSize])
	}
}

func TestFileHidesWhatItKeeps(t *testing.T) {
	f := sealedFile(t)
	mustSet(t, f, "key/profile-name", "canary+7f3a")
	for _, name := range names(t, f.Path) {
		data := readFile(t, strings.TrimSuffix(f.Path, "keys")+name)
		for _, clear := range []string{"canary", "profile-name", rightPassphrase} {
			if bytes.Contains(data, []byte(clear)) {
				t.Errorf("%s contains %q", name, clear)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	key := make([]byte, keySize)
	h := newHeader(key).wrap(key, key)
	whole, err := encode(h, key, items{"a": []byte("b")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte("{\"v\":1}\n"))
	f.Add([]byte("{\"v\":2}\n"))
	f.Add([]byte("\n"))
	f.Add([]byte("null\n"))
	f.Add(append([]byte(" "), whole...))
	f.Add(bytes.Replace(whole, []byte(`"v":1,`), []byte(`"v":1,"x":1,`), 1))
	f.Add(bytes.Replace(whole, []byte(`"v":1,`), []byte(`"v":1,"v":1,`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decode(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Errorf("error %v", err)
			}
			return
		}
		if s.T < 1 || s.T > 16 || s.M < 8<<10 || s.M > 1<<20 || s.P < 1 || s.P > 16 {
			t.Errorf("out of bounds: %+v", s.header)
		}
		line, err := json.Marshal(s.header)
		if err != nil || !bytes.Equal(append(append(line, '\n'), s.body...), data) {
			t.Error("two files that mean the same")
		}
		s.unwrap(key)
		if m, err := s.open(key); err == nil && !bytes.Equal(data, whole) && string(m["a"]) != "b" {
			t.Errorf("a forged file opened: %v", m)
		}
	})
}
