package foreign

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/shellvault/vault/keystore"
)

// mostEntries bounds how many files of a folder are looked at.
const mostEntries = 10_000

// An Entry is a file of a keyring in a folder. It is read, and its form is
// known to be right.
type Entry struct {
	Name   string // of the profile
	sealed sealed
}

// ReadFolder reads the keys in a folder that the keyring library's backend
// "file" writes: each a file, named by its profile, sealed by a passphrase.
// Folders, hidden files, sessions and tokens do not count. What is in the way
// of others is reported, and each of them once. A missing folder is empty.
func ReadFolder(dir string, want func(profile string) bool) (entries []Entry, errs []error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{err}
	}
	defer f.Close()
	names, err := f.Readdirnames(mostEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, []error{err}
	}
	if len(names) > mostEntries {
		return nil, []error{fmt.Errorf("%s: more than %d files", dir, mostEntries)}
	}
	for _, name := range names {
		profile := unescape(name)
		if strings.HasPrefix(name, ".") || !IsProfile(profile) || !want(profile) {
			continue
		}
		data, err := readFile(filepath.Join(dir, name))
		if errors.Is(err, errFolder) {
			continue
		}
		if err == nil {
			var s sealed
			if s, err = parseSealed(data); err == nil {
				entries = append(entries, Entry{profile, s})
				continue
			}
			err = fmt.Errorf("%q: %w", filepath.Join(dir, name), err)
		}
		errs = append(errs, err)
	}
	return entries, errs
}

// Open returns the key. ErrPassphrase is another passphrase.
func (e Entry) Open(passphrase keystore.Secret) (keystore.UserKey, error) {
	plain, err := e.sealed.open(passphrase)
	if err != nil {
		return keystore.UserKey{}, err
	}
	defer clear(plain)
	return parseWrapped(e.Name, plain)
}

var errFolder = errors.New("a folder")

// readFile reads a regular file of a size that a key may have. Opening does
// not wait: it may be a pipe.
func readFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, quotePath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, quotePath(err)
	case info.IsDir():
		return nil, errFolder
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%q: not a regular file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%q: larger than %d bytes", path, maxFile)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	return data, quotePath(err)
}

// quotePath keeps a name with a newline in it on one line.
func quotePath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%q: %w", p.Path, p.Err)
	}
	return err
}

// unescape returns the name of an entry from that of its file, in which "/"
// and "%" are percent-encoded (99designs/keyring, file.go).
func unescape(name string) string {
	return strings.NewReplacer("%2F", "/", "%2f", "/", "%25", "%").Replace(name)
}
