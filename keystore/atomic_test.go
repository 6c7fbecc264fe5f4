package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWriteFileAtomicModes(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077} {
		old := unix.Umask(umask)
		dir := t.TempDir()
		path := filepath.Join(dir, "a", "b", "file")
		for _, mode := range []fs.FileMode{0o600, 0o400, 0o644} {
			err := WriteFileAtomic(path, []byte("x"), mode)
			info, statErr := os.Stat(path)
			if err != nil || statErr != nil || info.Mode() != mode {
				t.Errorf("umask %#o: %v, %v, mode %v, want %v", umask, err, statErr, info.Mode(), mode)
			}
		}
		for _, folder := range []string{"a", "a/b"} {
			if info, err := os.Stat(filepath.Join(dir, folder)); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("umask %#o: folder %s: %v %v", umask, folder, info.Mode(), err)
			}
		}
		unlock, err := Lock(t.Context(), path+".lock")
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		if info, err := os.Stat(path + ".lock"); err != nil || info.Mode() != 0o600 {
			t.Errorf("umask %#o: lock: %v %v", umask, info.Mode(), err)
		}
		unix.Umask(old)
	}
}

// A write replaces a symbolic link, and never follows it.
func TestWriteFileAtomicSymlink(t *testing.T) {
	dir := t.TempDir()
	other, path := filepath.Join(dir, "other"), filepath.Join(dir, "file")
	if err := errors.Join(os.WriteFile(other, []byte("other"), 0o600), os.Symlink(other, path)); err != nil {
		t.Fatal(err)
	}
	if err := WriteFileAtomic(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, other); string(got) != "other" {
		t.Errorf("the file behind the link is %q", got)
	}
	if got, err := ReadFilePrivate(path); string(got) != "new" || err != nil {
		t.Errorf("the file is %q, %v", got, err)
	}
}

// brokenDisk fails at one step of a write.
type brokenDisk struct {
	osDisk
	at  string
	err error
}

func (d brokenDisk) write(f *os.File, data []byte) error {
	if d.at == "write" {
		return errors.Join(d.osDisk.write(f, data[:len(data)/2]), d.err)
	}
	return d.osDisk.write(f, data)
}

func (d brokenDisk) syncFile(f *os.File) error {
	if d.at == "sync" {
		return d.err
	}
	return d.osDisk.syncFile(f)
}

func (d brokenDisk) rename(dir *os.File, from, to string) error {
	if d.at == "rename" {
		return d.err
	}
	return d.osDisk.rename(dir, from, to)
}

func (d brokenDisk) syncFolder(dir *os.File) error {
	if d.at == "sync folder" {
		return d.err
	}
	return d.osDisk.syncFolder(dir)
}

func TestFailedWrite(t *testing.T) {
	for _, at := range []string{"write", "sync", "rename", "sync folder"} {
		for _, cause := range []error{unix.ENOSPC, unix.EIO} {
			t.Run(fmt.Sprint(at, " ", cause), func(t *testing.T) {
				f := sealedFile(t)
				f.Cache = heldKey()
				wantValue(t, f, "key/a", "one")
				before, files := readFile(t, f.Path), names(t, f.Path)

				f.disk = brokenDisk{at: at, err: cause}
				err := f.Set(t.Context(), "key/a", NewSecret("two"))
				wantError(t, err, cause)
				wantPath(t, err, f.Path)
				if got := names(t, f.Path); !slices.Equal(got, files) {
					t.Errorf("left behind: %q", got)
				}
				if at == "sync folder" { // then the new file is in place
					wantValue(t, f, "key/a", "two")
				} else if !bytes.Equal(before, readFile(t, f.Path)) {
					t.Error("the file changed")
				}
				f.disk = nil
				mustSet(t, f, "key/a", "three")
				wantValue(t, f, "key/a", "three")

				absent := testFile(t, &human{answers: []string{"x"}})
				absent.disk = brokenDisk{at: at, err: cause}
				wantError(t, absent.Set(t.Context(), "key/a", NewSecret("one")), cause)
				if _, err := os.Stat(absent.Path); at != "sync folder" && !errors.Is(err, fs.ErrNotExist) {
					t.Error("half a file was made")
				}
			})
		}
	}
}

func TestUpdateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault", "file")
	update := func(want, data []byte, err error) error {
		return UpdateFile(t.Context(), path, func(old []byte) ([]byte, error) {
			if (old == nil) != (want == nil) || !bytes.Equal(old, want) {
				t.Errorf("old is %q, want %q", old, want)
			}
			return data, err
		})
	}
	steps := []struct{ old, new []byte }{
		{nil, nil}, // nothing there, and nothing made
		{nil, []byte("one")},
		{[]byte("one"), nil}, // no change
		{[]byte("one"), []byte{}},
		{[]byte{}, []byte("two")},
	}
	for _, s := range steps {
		if err := update(s.old, s.new, nil); err != nil {
			t.Fatal(err)
		}
	}
	cause := errors.New("no")
	wantError(t, update([]byte("two"), []byte("three"), cause), cause)

	// What killed writers left goes with the next write; other files stay.
	stay := []string{".other.tmp-X", ".file.tmp", "file.tmp-X", ".file2.tmp-X"}
	for _, name := range append([]string{".file.tmp-A", ".file.tmp-B"}, stay...) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := update([]byte("two"), []byte("three"), nil); err != nil {
		t.Fatal(err)
	}
	want := append(stay, "file", "file.lock")
	slices.Sort(want)
	if got := names(t, path); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}

	ctx, cancel := context.WithCancel(t.Context())
	err := UpdateFile(ctx, path, func([]byte) ([]byte, error) {
		cancel()
		return []byte("four"), nil
	})
	wantError(t, err, context.Canceled)
	if err := update([]byte("three"), make([]byte, MaxFile+1), nil); err == nil {
		t.Error("wrote what would not be read")
	}
	if got := readFile(t, path); string(got) != "three" {
		t.Errorf("the file is %q", got)
	}
}
