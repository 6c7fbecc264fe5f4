package keystore

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBackup(t *testing.T) {
	store := new(Memory)
	lock := filepath.Join(t.TempDir(), "lock")
	key := func() ([]byte, error) { return BackupKey(t.Context(), store, lock) }
	first, err := key()
	if err != nil {
		t.Fatal(err)
	}
	want := Backup{Path: "/home/alice/.aws/credentials", Made: time.Unix(1_700_000_000, 0).UTC(), Data: NewSecret("[work]\r\naws_secret_access_key = hunter2\n")}
	text, err := want.Seal(first)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("hunter2")) {
		t.Errorf("in clear: %s", text)
	}
	got, err := OpenBackup(text, key)
	if err != nil || got.Path != want.Path || !got.Made.Equal(want.Made) || got.Data.Reveal() != want.Data.Reveal() {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	other := func() ([]byte, error) { return BackupKey(t.Context(), new(Memory), lock) }
	if _, err := OpenBackup(text, other); !errors.Is(err, ErrCorrupt) {
		t.Errorf("with the key of another keystore: %v", err)
	}
	for name, change := range map[string]string{
		"path": strings.Replace(string(text), "alice", "mallory", 1), "time": strings.Replace(string(text), "2023", "2024", 1),
		"cut": string(text[:len(text)/2]), "empty": "", "not sealed": `{"vault_backup":1,"path":"/x"}`, "newer": `{"vault_backup":2,"path":"/x"}`,
	} {
		if change == string(text) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := OpenBackup([]byte(change), key); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Nobody is asked for a key to open what is no backup.
	if _, err := OpenBackup([]byte("{}"), func() ([]byte, error) { t.Error("asked for the key"); return nil, nil }); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}
