package cmd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"golang.org/x/sys/unix"
)

// directoryName is the file by which a folder names the profile for what lies
// in it.
const directoryName = ".vault-profile"

// mostDirectory is more than such a file ever needs, in bytes.
const mostDirectory = 4096

// A directory is the file of a folder, as it was found.
type directory struct {
	Path string // where it was found
	Real string // without symbolic links
	text []byte
}

// wish is what the file of a folder says.
type wish struct {
	Profile string
	Region  string
}

// A directoryError reports a file that cannot be used.
type directoryError struct {
	path string
	line int // 0 for the file as a whole
	why  string
}

func (e *directoryError) Error() string {
	if e.line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.path, e.line, e.why)
	}
	return fmt.Sprintf("%s %s", e.path, e.why)
}

// mostFolders is in how many folders a file is looked for, upwards.
const mostFolders = 16

// nearest returns the path of the file for a folder: its own, or that of the
// nearest folder above. Symbolic links do not count for what is above. Neither
// the home folder nor the root is looked at, as their file would be that of
// every folder; and as with git no file system but that of the folder. The
// scripts that load vault look in the same way, but for these borders.
func nearest(dir, home string) (path string, ok bool) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", false
	}
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	var first uint64
	at := dir
	for i := 0; i < mostFolders && at != "/" && at != home; i++ {
		info, err := os.Stat(at)
		if err != nil {
			return "", false
		}
		device := uint64(info.Sys().(*syscall.Stat_t).Dev)
		if i == 0 {
			first = device
		}
		if device != first {
			return "", false
		}
		file := filepath.Join(at, directoryName)
		if _, err := os.Stat(file); err == nil {
			return file, true
		}
		at = filepath.Dir(at)
	}
	return "", false
}

// readDirectory reads the file of a folder. One that others could have written
// is refused.
func (app *App) readDirectory(path string) (directory, error) {
	shown := tilde(path, app.Home)
	fault := func(why string) (directory, error) { return directory{}, &directoryError{path: shown, why: why} }
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fault("cannot be read: " + reason(err))
	}
	// Not blocking: opening a pipe would wait for its writer.
	fd, err := unix.Open(real, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fault("cannot be read: " + reason(err))
	}
	f := os.NewFile(uintptr(fd), real)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fault("cannot be read: " + reason(err))
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	switch {
	case !info.Mode().IsRegular():
		return fault("is not a file")
	case int(owner) != os.Geteuid():
		return fault("belongs to another user: it is not read")
	case info.Mode().Perm()&0o022 != 0:
		return fault("can be changed by other users: it is not read")
	}
	text, err := io.ReadAll(io.LimitReader(f, mostDirectory+1))
	switch {
	case err != nil:
		return fault("cannot be read: " + reason(err))
	case len(text) > mostDirectory:
		return fault(fmt.Sprintf("is longer than %d bytes", mostDirectory))
	}
	return directory{Path: path, Real: real, text: text}, nil
}

// reason is why something could not be done to a file, without its name.
func reason(err error) string {
	var file *fs.PathError
	if errors.As(err, &file) {
		err = file.Err
	}
	return err.Error()
}

// sum is the identity of the file: where it lies, and what it says.
func (d directory) sum() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00", d.Real)
	h.Write(d.text)
	return hex.EncodeToString(h.Sum(nil))
}

// parse reads the file: lines "profile = NAME" and "region = NAME", empty ones
// and comments. Nothing in it is expanded or run.
func (d directory) parse(home string) (wish, error) {
	fault := func(line int, format string, args ...any) (wish, error) {
		return wish{}, &directoryError{tilde(d.Path, home), line, fmt.Sprintf(format, args...)}
	}
	values := map[string]string{}
	for i, line := range strings.Split(strings.TrimPrefix(string(d.text), "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		_, twice := values[key]
		switch {
		case !ok:
			return fault(i+1, "%.40q is not KEY = VALUE", line)
		case key != "profile" && key != "region":
			return fault(i+1, "no key %.40q, there are: profile, region", key)
		case twice:
			return fault(i+1, "%s stands twice", key)
		case value == "":
			return fault(i+1, "%s is empty", key)
		case strings.ContainsAny(value, "\"'|") || strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
			return fault(i+1, "%s %.40q: a name stands there without quotes and blanks, and a comment in a line of its own", key, value)
		case key == "region" && !isRegion(value):
			return fault(i+1, "region %.40q is not the name of a region", value)
		}
		values[key] = value
	}
	if values["profile"] == "" {
		return fault(0, "names no profile")
	}
	return wish{values["profile"], values["region"]}, nil
}
