package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrChanged is what EditFile wraps when someone else wrote the file while it
// was being edited. Nothing was written then.
var ErrChanged = errors.New("changed by another program meanwhile")

// AddProfile appends a profile to the config file at path as Editor.AddProfile
// does, and creates file and folder where they are missing.
func AddProfile(path, name string, settings [][2]string) error {
	return EditFile(path, ConfigFile, func(e *Editor) error { return e.AddProfile(name, settings) })
}

// SetValue sets a property of a profile of the config file at path.
func SetValue(path, profile, key, value string) error {
	return EditFile(path, ConfigFile, func(e *Editor) error { return e.SetValue(profile, key, value) })
}

// RemoveValue removes a property of a profile of the config file at path.
func RemoveValue(path, profile, key string) error {
	return EditFile(path, ConfigFile, func(e *Editor) error { return e.RemoveValue(profile, key) })
}

// RemoveProfile removes a profile from the config file at path.
func RemoveProfile(path, profile string) error {
	return EditFile(path, ConfigFile, func(e *Editor) error { return e.RemoveProfile(profile) })
}

// EditFile hands the file at path to edit and writes what comes of it, at once
// and durably, or not at all. Others who edit with EditFile wait for it. A
// symbolic link stays and its target is written; mode and, as far as allowed,
// owner stay. A missing file is created with mode 0600, its folder with 0700.
// Nothing is written if edit returns an error or changes nothing.
//
// edit may be called more than once and should depend on the Editor only.
func EditFile(path string, kind FileKind, edit func(*Editor) error) error {
	return EditText(path, func(target string, text []byte) ([]byte, error) { return apply(target, kind, text, edit) })
}

// EditText is EditFile for a file of any kind: edit gets its path, with links
// followed, and its text, and returns the text that it shall have.
func EditText(path string, edit func(target string, text []byte) ([]byte, error)) error {
	for {
		done, err := editOnce(path, edit)
		if done || err != nil {
			return err
		}
	}
}

// editOnce is one attempt of EditText. It is not done if another process put
// another file in the place of the one that it waited for.
func editOnce(path string, edit func(target string, text []byte) ([]byte, error)) (done bool, err error) {
	target, err := followLinks(path)
	if err != nil {
		return false, err
	}
	f, err := os.OpenFile(target, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = createFor(target, edit)
		if f == nil {
			return true, err
		}
	}
	if err != nil {
		return false, err
	}
	defer f.Close() // which gives the lock back

	if err := lock(f); err != nil {
		return false, fmt.Errorf("lock %s: %w", target, err)
	}
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s: not a regular file", target)
	}
	if !stillAt(path, info) {
		return false, nil
	}
	before, err := io.ReadAll(f)
	if err != nil {
		return false, err
	}
	after, err := edit(target, bytes.Clone(before))
	if err != nil || bytes.Equal(before, after) {
		return true, err
	}
	return true, replaceFile(path, target, info, before, after)
}

func apply(path string, kind FileKind, text []byte, edit func(*Editor) error) ([]byte, error) {
	e, err := NewEditor(path, kind, text)
	if err != nil {
		return nil, err
	}
	if err := edit(e); err != nil {
		return nil, err
	}
	// What an addition wrote was not parsed yet.
	if _, err := e.source(); err != nil {
		return nil, err
	}
	return e.text, nil
}

// createFor creates an empty file, to be locked, for an edit that will leave
// something in it; otherwise it returns no file and what there is to report.
func createFor(target string, edit func(target string, text []byte) ([]byte, error)) (*os.File, error) {
	if text, err := edit(target, nil); err != nil || len(text) == 0 {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(target, os.O_RDWR|os.O_CREATE, 0o600)
}

// followLinks returns what path points to, be it there or not.
func followLinks(path string) (string, error) {
	for range 40 {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a link
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", fmt.Errorf("%s: %w", path, syscall.ELOOP)
}

// lock takes the file's flock(2), which goes with the last descriptor.
// File systems without locks are no reason to refuse: what is written there
// is still compared before it is replaced.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ENOLCK), errors.Is(err, errors.ErrUnsupported):
			return nil
		default:
			return err
		}
	}
}

// stillAt reports whether path leads to the file with that info.
func stillAt(path string, info fs.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, info)
}

// replaceFile puts a file with the text after in the place of target, which
// had the text before when it was read.
func replaceFile(path, target string, info fs.FileInfo, before, after []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if _, err := tmp.Write(after); err != nil {
		return err
	}
	if err := keepOwner(tmp, info); err != nil {
		return err
	}
	if err := tmp.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if now, err := os.ReadFile(target); err != nil || !bytes.Equal(now, before) || !stillAt(path, info) {
		return fmt.Errorf("%s: %w", target, ErrChanged)
	}
	if err := os.Rename(tmp.Name(), target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}

// keepOwner gives tmp the owner and group of the file that it replaces, as far
// as that is allowed: to root for any, to others for groups of theirs. EINVAL
// is an owner that a user namespace does not know.
func keepOwner(tmp *os.File, info fs.FileInfo) error {
	was, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	err := tmp.Chown(int(was.Uid), int(was.Gid))
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// syncDir makes a rename in dir durable. Not every file system knows how.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
