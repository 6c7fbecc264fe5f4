package keystore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// MaxFile is the size of the largest file that ReadFilePrivate reads.
const MaxFile = 16 << 20

// ReadFilePrivate reads a file that only this user can read or replace: a
// regular file with one name, mode 0600 or less, of this user, in a folder
// that nobody else can write to. Anything else is a *PermissionError; a
// missing file or folder is fs.ErrNotExist.
func ReadFilePrivate(path string) ([]byte, error) {
	dir, err := openFolder(filepath.Dir(path), false)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	// Not blocking: opening a pipe would wait for its writer.
	f, err := dir.open(filepath.Base(path), unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := checkFile(f)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxFile {
		return nil, tooLarge(path, info.Size())
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFile {
		return nil, tooLarge(path, int64(len(data)))
	}
	return data, nil
}

func tooLarge(path string, size int64) error {
	return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("%d bytes are more than %d", size, MaxFile)}
}

// WriteFileAtomic puts data at path, durably and all at once: a reader sees
// the old file or the new one, and so does whoever comes after a crash. After
// an error the old file is whole. The folder is made, 0700, if it is missing.
func WriteFileAtomic(path string, data []byte, mode fs.FileMode) error {
	return writeFile(osDisk{}, path, data, mode)
}

// UpdateFile changes the private file at path under the lock path+".lock":
// change gets what is there, nil if there is no file, and returns what shall
// be there, nil for no change. Neither a crash nor another process that does
// the same loses anything.
func UpdateFile(ctx context.Context, path string, change func(old []byte) ([]byte, error)) error {
	return updateFile(ctx, osDisk{}, path, change)
}

func updateFile(ctx context.Context, d disk, path string, change func(old []byte) ([]byte, error)) error {
	unlock, err := Lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	old, err := ReadFilePrivate(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := change(old)
	if err != nil || data == nil {
		return err
	}
	if len(data) > MaxFile {
		return tooLarge(path, int64(len(data)))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	removeTemps(path)
	return writeFile(d, path, data, 0o600)
}

// A disk does what can fail when a file is written.
type disk interface {
	write(f *os.File, data []byte) error
	syncFile(f *os.File) error
	rename(dir *os.File, from, to string) error
	syncFolder(dir *os.File) error
}

func writeFile(d disk, path string, data []byte, mode fs.FileMode) (err error) {
	dir, err := openFolder(filepath.Dir(path), true)
	if err != nil {
		return err
	}
	defer dir.Close()
	name := filepath.Base(path)
	temp := tempPrefix(name) + rand.Text()
	f, err := dir.open(temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			_ = unix.Unlinkat(int(dir.Fd()), temp, 0)
		}
	}()
	if err := f.Chmod(mode.Perm()); err != nil {
		return inFile("chmod", path, err)
	}
	if err := d.write(f, data); err != nil {
		return inFile("write", path, err)
	}
	if err := d.syncFile(f); err != nil {
		return inFile("sync", path, err)
	}
	if err := f.Close(); err != nil {
		return inFile("close", path, err)
	}
	if err := d.rename(dir.File, temp, name); err != nil {
		return inFile("rename", path, err)
	}
	if err := d.syncFolder(dir.File); err != nil {
		return inFile("sync the folder of", path, err)
	}
	return nil
}

// inFile returns err as one of the file at path, not of its temporary one.
func inFile(op, path string, err error) error {
	if other, ok := err.(*fs.PathError); ok {
		err = other.Err
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

func tempPrefix(name string) string { return "." + name + ".tmp-" }

// removeTemps removes what writers of path that were killed left behind. The
// caller holds the lock under which all of them write.
func removeTemps(path string) {
	dir, err := openFolder(filepath.Dir(path), false)
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix(filepath.Base(path))) {
			_ = unix.Unlinkat(int(dir.Fd()), name, 0)
		}
	}
}

type osDisk struct{}

func (osDisk) write(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return err
}

func (osDisk) syncFile(f *os.File) error { return f.Sync() }

func (osDisk) rename(dir *os.File, from, to string) error {
	return unix.Renameat(int(dir.Fd()), from, int(dir.Fd()), to)
}

func (osDisk) syncFolder(dir *os.File) error { return syncFolder(dir) }

// syncFolder makes the names in dir durable, where the file system knows how.
func syncFolder(dir *os.File) error {
	err := dir.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}
