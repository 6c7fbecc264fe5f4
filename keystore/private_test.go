package keystore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadFilePrivate(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, path string) error // of a file 0600 in a folder 0700
		reason string                                // empty: it is read
	}{
		{name: "as it is made", change: func(*testing.T, string) error { return nil }},
		{name: "0400", change: chmod(0o400)},
		{name: "0640", change: chmod(0o640), reason: "mode 0640 lets others use it"},
		{name: "0604", change: chmod(0o604), reason: "mode 0604 lets others use it"},
		{name: "0620", change: chmod(0o620), reason: "mode 0620 lets others use it"},
		{name: "0602", change: chmod(0o602), reason: "mode 0602 lets others use it"},
		{name: "0610", change: chmod(0o610), reason: "mode 0610 lets others use it"},
		{name: "0601", change: chmod(0o601), reason: "mode 0601 lets others use it"},
		{name: "0777", change: chmod(0o777), reason: "mode 0777 lets others use it"},
		{name: "folder 0755", change: chmodFolder(0o755)},
		{name: "folder 0500", change: chmodFolder(0o500)},
		{name: "folder 0770", change: chmodFolder(0o770), reason: "mode 0770 lets others write to it"},
		{name: "folder 0702", change: chmodFolder(0o702), reason: "mode 0702 lets others write to it"},
		{name: "folder 1777", change: chmodFolder(0o777 | fs.ModeSticky), reason: "mode 0777 lets others write to it"},
		{name: "hard link", change: func(_ *testing.T, path string) error { return os.Link(path, path+"2") }, reason: "has 2 hard links"},
		{name: "symbolic link", change: func(_ *testing.T, path string) error {
			return errors.Join(os.Rename(path, path+"2"), os.Symlink(path+"2", path))
		}, reason: "is a symbolic link"},
		{name: "dangling symbolic link", change: func(_ *testing.T, path string) error {
			return errors.Join(os.Remove(path), os.Symlink("nosuch", path))
		}, reason: "is a symbolic link"},
		{name: "symbolic link to the folder", change: func(_ *testing.T, path string) error {
			dir := filepath.Dir(path)
			return errors.Join(os.Rename(dir, dir+"2"), os.Symlink(dir+"2", dir))
		}},
		{name: "symbolic link to a folder 0770", change: func(_ *testing.T, path string) error {
			dir := filepath.Dir(path)
			return errors.Join(os.Rename(dir, dir+"2"), os.Symlink(dir+"2", dir), os.Chmod(dir+"2", 0o770))
		}, reason: "mode 0770 lets others write to it"},
		{name: "pipe", change: func(_ *testing.T, path string) error {
			return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600))
		}, reason: "is not a regular file"},
		{name: "directory", change: func(_ *testing.T, path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, reason: "is not a regular file"},
		{name: "of another user", change: func(t *testing.T, path string) error {
			needRoot(t)
			return os.Chown(path, 65534, 65534)
		}, reason: "belongs to uid 65534, not to 0"},
		{name: "in the folder of another user", change: func(t *testing.T, path string) error {
			needRoot(t)
			return os.Chown(filepath.Dir(path), 65534, 65534)
		}, reason: "belongs to uid 65534, not to 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := sealedFile(t)
			want := readFile(t, f.Path)
			t.Cleanup(func() { _ = os.Chmod(filepath.Dir(f.Path), 0o700) }) // or it could not be removed
			if err := test.change(t, f.Path); err != nil {
				t.Fatal(err)
			}
			data, err := ReadFilePrivate(f.Path)
			if test.reason == "" {
				if err != nil || string(data) != string(want) {
					t.Fatalf("read %d bytes, %v", len(data), err)
				}
				wantValue(t, f, "key/a", "one")
				return
			}
			wantRefused(t, err, test.reason, f.Path)
			if data != nil {
				t.Error("has data")
			}
			f.Cache = heldKey()
			_, err = f.Get(t.Context(), "key/a")
			wantRefused(t, err, test.reason, f.Path)
			_, err = f.State(t.Context())
			wantRefused(t, err, test.reason, f.Path)
			err = f.Set(t.Context(), "key/a", NewSecret("two"))
			wantRefused(t, err, test.reason, f.Path)
		})
	}
}

func wantRefused(t *testing.T, err error, reason, path string) {
	t.Helper()
	var refused *PermissionError
	if !errors.As(err, &refused) || !errors.Is(err, ErrPermissions) {
		t.Fatalf("error %v, want %v", err, ErrPermissions)
	}
	if !strings.HasPrefix(refused.Reason, reason) || !strings.Contains(err.Error(), reason) {
		t.Errorf("error %v, want %s", err, reason)
	}
	if refused.Path != path && refused.Path != filepath.Dir(path) {
		t.Errorf("error names %q, not %q", refused.Path, path)
	}
}

func chmod(mode fs.FileMode) func(*testing.T, string) error {
	return func(_ *testing.T, path string) error { return os.Chmod(path, mode) }
}

func chmodFolder(mode fs.FileMode) func(*testing.T, string) error {
	return func(_ *testing.T, path string) error { return os.Chmod(filepath.Dir(path), mode) }
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make this file")
	}
}

func TestReadFilePrivateMissing(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "a"), filepath.Join(dir, "b", "c", "d")} {
		data, err := ReadFilePrivate(path)
		if data != nil || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
	if n := names(t, filepath.Join(dir, "x")); len(n) != 0 {
		t.Errorf("reading made %q", n)
	}
}

func TestReadFilePrivateTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := WriteFileAtomic(path, make([]byte, MaxFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFilePrivate(path); len(data) != MaxFile || err != nil {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
	if err := os.Truncate(path, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFilePrivate(path); data != nil || err == nil {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
}
