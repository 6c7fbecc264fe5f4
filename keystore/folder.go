package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// A PermissionError reports a file or folder that others could have read or
// changed, or that is not what it should be. It is ErrPermissions.
type PermissionError struct {
	Path   string
	Mode   fs.FileMode // as it is
	UID    int         // its owner
	Reason string
}

func (e *PermissionError) Error() string {
	what := "file"
	if e.Mode.IsDir() {
		what = "folder"
	}
	return fmt.Sprintf("%s %q: %v: %s", what, e.Path, ErrPermissions, e.Reason)
}

func (e *PermissionError) Unwrap() error { return ErrPermissions }

// A folder is an open directory that belongs to this user and that nobody
// else can write to. Files are opened relative to it, so that what was
// checked is what is used.
type folder struct {
	*os.File
	path string
}

// openFolder opens the directory at path, a symbolic link or not, and makes
// it if it is missing and create is set.
func openFolder(path string, create bool) (*folder, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err := makeFolder(path); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := checkFolder(f, path); err != nil {
		f.Close()
		return nil, err
	}
	return &folder{f, path}, nil
}

// makeFolder makes path and what is missing above it, 0700, and makes the new
// names durable.
func makeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // opening it tells whether it is a folder
	}
	if err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(path))
	if errors.Is(err, fs.ErrPermission) {
		return nil // may be written to, not listed: nothing more to be done
	}
	if err != nil {
		return err
	}
	defer parent.Close()
	return syncFolder(parent)
}

func checkFolder(f *os.File, path string) error {
	info, uid, _, err := stat(f)
	if err != nil {
		return err
	}
	refuse := func(format string, args ...any) error {
		return &PermissionError{path, info.Mode(), uid, fmt.Sprintf(format, args...)}
	}
	switch perm := info.Mode().Perm(); {
	case uid != os.Geteuid():
		return refuse("belongs to uid %d, not to %d", uid, os.Geteuid())
	case perm&0o022 != 0:
		return refuse("mode %#o lets others write to it", perm)
	}
	return nil
}

// open opens name in the folder, never through a symbolic link.
func (d *folder) open(name string, flags int) (*os.File, error) {
	path := filepath.Join(d.path, name)
	for {
		fd, err := unix.Openat(int(d.Fd()), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case unix.EINTR:
			continue
		case unix.ELOOP, unix.EMLINK: // the latter is how some BSDs say it
			return nil, &PermissionError{path, fs.ModeSymlink, os.Geteuid(), "is a symbolic link"}
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
}

// checkFile reports whether the open file f is private to this user. A file
// with no name left is one that was replaced after it was opened: fine.
func checkFile(f *os.File) (fs.FileInfo, error) {
	info, uid, links, err := stat(f)
	if err != nil {
		return nil, err
	}
	refuse := func(format string, args ...any) error {
		return &PermissionError{f.Name(), info.Mode(), uid, fmt.Sprintf(format, args...)}
	}
	switch perm := info.Mode().Perm(); {
	case !info.Mode().IsRegular():
		return nil, refuse("is not a regular file (%v)", info.Mode().Type())
	case uid != os.Geteuid():
		return nil, refuse("belongs to uid %d, not to %d", uid, os.Geteuid())
	case perm&0o077 != 0:
		return nil, refuse("mode %#o lets others use it", perm)
	case links > 1:
		return nil, refuse("has %d hard links", links)
	}
	return info, nil
}

func stat(f *os.File) (info fs.FileInfo, uid int, links uint64, err error) {
	info, err = f.Stat()
	if err != nil {
		return nil, 0, 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, 0, 0, fmt.Errorf("%q: %w", f.Name(), errors.ErrUnsupported)
	}
	return info, int(st.Uid), uint64(st.Nlink), nil
}
