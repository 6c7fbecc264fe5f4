package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func init() {
	// index PATH PROFILE: adds a key to the index.
	children["index"] = func(ctx context.Context, args []string) error {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return err
		}
		return UpdateIndex(ctx, args[0], func(ix *Index) error {
			ix.Keys[args[1]] = IndexEntry{AccessKeyID: args[1]}
			return nil
		})
	}
}

func indexPath(t *testing.T) string { return filepath.Join(t.TempDir(), "vault", "index.json") }

func TestIndex(t *testing.T) {
	path := indexPath(t)
	if ix, err := ReadIndex(path); err != nil || ix.Backend != "" || len(ix.Keys) != 0 {
		t.Errorf("missing: %+v, %v", ix, err)
	}
	added := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	err := UpdateIndex(t.Context(), path, func(ix *Index) error {
		ix.Backend = "file"
		ix.Keys["work"] = IndexEntry{AccessKeyID: "AKIA1", Added: added}
		ix.Keys["a <b>"] = IndexEntry{AccessKeyID: "AKIA2"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Index{"file", map[string]IndexEntry{"work": {AccessKeyID: "AKIA1", Added: added}, "a <b>": {AccessKeyID: "AKIA2"}}}
	if ix, err := ReadIndex(path); err != nil || !reflect.DeepEqual(ix, want) {
		t.Errorf("got %+v, %v, want %+v", ix, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before := readFile(t, path)
	cause := errors.New("no")
	wantError(t, UpdateIndex(t.Context(), path, func(ix *Index) error {
		ix.Backend = "other"
		return cause
	}), cause)
	if string(readFile(t, path)) != string(before) {
		t.Error("a refused change was written")
	}
	if err := os.WriteFile(path, []byte(`{"v":1,"keys":{"a":{"access_key_id":"AKIA3","new":1}},"new":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	want = Index{"", map[string]IndexEntry{"a": {AccessKeyID: "AKIA3"}}}
	if ix, err := ReadIndex(path); err != nil || !reflect.DeepEqual(ix, want) {
		t.Errorf("got %+v, %v, want %+v", ix, err, want)
	}
}

func TestIndexDamaged(t *testing.T) {
	store := new(Memory)
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for profile, key := range map[string]UserKey{
		"work": {AccessKeyID: "AKIA1", SecretAccessKey: NewSecret("canary7f3a"), Created: created},
		"home": {AccessKeyID: "AKIA2", SecretAccessKey: NewSecret("canary7f3a"), MFASerial: "arn:home"}, // its secret is not here
	} {
		if err := PutUserKey(t.Context(), store, profile, key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := SealingKey(t.Context(), store, nil, filepath.Join(t.TempDir(), "lock")); err != nil {
		t.Fatal(err)
	}
	later := created.AddDate(0, 1, 0)
	tests := []struct {
		data string
		home IndexEntry // after it was rebuilt
	}{
		{"", IndexEntry{AccessKeyID: "AKIA2"}},
		{"\x00\x00", IndexEntry{AccessKeyID: "AKIA2"}},
		{`{"v":1,"keys":[]}`, IndexEntry{AccessKeyID: "AKIA2"}},
		{`{"keys":{}}`, IndexEntry{AccessKeyID: "AKIA2"}},
		{`{"v":1,"keys":{"home":{"access_key_id":"AKIA2","added":"2026-02-02T03:04:05Z"`, IndexEntry{AccessKeyID: "AKIA2"}},
		{`{"v":1,"backend":"file","keys":{"home":{"access_key_id":"AKIA2","added":"2026-02-02T03:04:05Z"},"gone":{}}}`, IndexEntry{AccessKeyID: "AKIA2", Added: later}},
		{`{"v":1,"keys":{"home":{"access_key_id":"AKIA9","added":"2026-02-02T03:04:05Z"}}}`, IndexEntry{AccessKeyID: "AKIA2"}},
	}
	for i, test := range tests {
		path := indexPath(t)
		if err := WriteFileAtomic(path, []byte(test.data), 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *IndexError
		_, err := ReadIndex(path)
		if errors.As(err, &damaged) != (i < 5) {
			t.Errorf("%q: error %v", test.data, err)
		}
		if i < 5 {
			err = UpdateIndex(t.Context(), path, func(*Index) error { return nil })
			if !errors.As(err, &damaged) || damaged.Path != path || string(readFile(t, path)) != test.data {
				t.Errorf("%q: error %v", test.data, err)
			}
		}
		if err := RebuildIndex(t.Context(), path, "file", store); err != nil {
			t.Fatal(err)
		}
		want := Index{"file", map[string]IndexEntry{"work": {AccessKeyID: "AKIA1", Added: created}, "home": test.home}}
		if ix, err := ReadIndex(path); err != nil || !reflect.DeepEqual(ix, want) {
			t.Errorf("%q: rebuilt %+v, %v, want %+v", test.data, ix, err, want)
		}
	}
}

// The index says for which device the secret lies beside a key, and not the
// secret.
func TestIndexOfSeed(t *testing.T) {
	store, path := new(Memory), indexPath(t)
	key := UserKey{AccessKeyID: "AKIA1", SecretAccessKey: NewSecret("canary7f3a"), MFASerial: "arn:phone", MFASeed: NewSecret("CANARY7F3A")}
	if err := PutUserKey(t.Context(), store, "work", key); err != nil {
		t.Fatal(err)
	}
	if err := RebuildIndex(t.Context(), path, "file", store); err != nil {
		t.Fatal(err)
	}
	want := IndexEntry{AccessKeyID: "AKIA1", MFASerial: "arn:phone"}
	if ix, err := ReadIndex(path); err != nil || ix.Keys["work"] != want {
		t.Errorf("got %+v, %v, want %+v", ix.Keys["work"], err, want)
	}
	if text := strings.ToLower(string(readFile(t, path))); strings.Contains(text, "canary") {
		t.Errorf("the index tells: %s", text)
	}
}

// The index of a newer version is not ours to change.
func TestIndexVersion(t *testing.T) {
	path := indexPath(t)
	const data = `{"v":2,"keys":{}}`
	if err := WriteFileAtomic(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadIndex(path)
	wantError(t, err, ErrVersion)
	wantError(t, UpdateIndex(t.Context(), path, func(*Index) error { return nil }), ErrVersion)
	wantError(t, RebuildIndex(t.Context(), path, "file", new(Memory)), ErrVersion)
	if string(readFile(t, path)) != data {
		t.Error("it changed")
	}
}

// A store that cannot be read leaves the index as it is.
func TestRebuildIndexFails(t *testing.T) {
	path := indexPath(t)
	f := sealedFile(t)
	f.Passphrase = nil
	wantError(t, RebuildIndex(t.Context(), path, "file", f), ErrLocked)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an index was made: %v", err)
	}
}

func TestIndexProcesses(t *testing.T) {
	path := indexPath(t)
	var commands []*exec.Cmd
	for i := range 50 {
		commands = append(commands, child(t, "index", path, fmt.Sprint("p", i)))
	}
	together(t, commands)
	if ix, err := ReadIndex(path); err != nil || len(ix.Keys) != len(commands) {
		t.Errorf("%d keys, %v, want %d", len(ix.Keys), err, len(commands))
	}
}
