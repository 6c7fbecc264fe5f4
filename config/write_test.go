package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// onlyFiles fails if dir holds anything else than these.
func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %v, want %v", dir, got, want)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestAddProfileCreates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "config")
	if err := AddProfile(path, "a b", nil); err == nil {
		t.Error("a bad name was accepted")
	}
	if err := RemoveProfile(path, "p"); err == nil {
		t.Error("a profile was removed from no file")
	}
	if err := EditFile(path, ConfigFile, func(*Editor) error { return nil }); err != nil {
		t.Error(err)
	}
	onlyFiles(t, dir)
	if err := AddProfile(path, "p", [][2]string{{"region", "r"}}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "[profile p]\nregion = r\n" {
		t.Errorf("got %q", got)
	}
	if got := mode(t, path); got != 0o600 {
		t.Errorf("file: got mode %o", got)
	}
	if got := mode(t, filepath.Dir(path)); got != 0o700 {
		t.Errorf("folder: got mode %o", got)
	}
	if err := AddProfile(path, "p", nil); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if err := SetValue(path, "p", "region", "s"); err != nil {
		t.Error(err)
	}
	if err := SetValue(path, "p", "output", "json"); err != nil {
		t.Error(err)
	}
	if err := RemoveValue(path, "p", "region"); err != nil {
		t.Error(err)
	}
	if got := read(t, path); got != "[profile p]\noutput = json\n" {
		t.Errorf("got %q", got)
	}
	if err := RemoveProfile(path, "p"); err != nil {
		t.Error(err)
	}
	if got := read(t, path); got != "" {
		t.Errorf("got %q", got)
	}
	onlyFiles(t, filepath.Dir(path), "config")
}

func TestEditKeepsModeAndOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "")
	if os.Getuid() == 0 {
		if err := os.Chown(path, 4321, 1234); err != nil {
			t.Fatal(err)
		}
	}
	owner := func() [2]uint32 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		return [2]uint32{stat.Uid, stat.Gid}
	}
	for i, want := range []fs.FileMode{0o644, 0o600, 0o660} {
		if err := os.Chmod(path, want); err != nil {
			t.Fatal(err)
		}
		before := owner()
		if err := AddProfile(path, fmt.Sprint("p", i), nil); err != nil {
			t.Fatal(err)
		}
		if got := mode(t, path); got != want {
			t.Errorf("got mode %o, want %o", got, want)
		}
		if got := owner(); got != before {
			t.Errorf("got owner %v, want %v", got, before)
		}
	}
}

func TestEditFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"home", "dotfiles"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to string, at ...string) string {
		path := filepath.Join(append([]string{dir}, at...)...)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := link("second", "home", "first")
	link("../dotfiles/config", "home", "second")
	for _, p := range []string{"p", "q"} { // the target is missing, and there
		if err := AddProfile(first, p, nil); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{"first": "second", "second": "../dotfiles/config"} {
		if got, err := os.Readlink(filepath.Join(dir, "home", path)); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want a link to %s", path, got, err, want)
		}
	}
	if got := read(t, filepath.Join(dir, "dotfiles", "config")); got != "[profile p]\n\n[profile q]\n" {
		t.Errorf("got %q", got)
	}
	onlyFiles(t, filepath.Join(dir, "home"), "first", "second")
	onlyFiles(t, filepath.Join(dir, "dotfiles"), "config")

	if err := AddProfile(link("loop", "loop"), "p", nil); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("loop of links: got %v", err)
	}
}

func TestEditRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	boom := errors.New("boom")
	tests := []struct {
		name, path, text string
		edit             func(*Editor) error
		want             string
	}{
		{"error of edit", path, "[profile p]\n", func(e *Editor) error {
			if err := e.AddProfile("q", nil); err != nil {
				return err
			}
			return boom
		}, "boom"},
		{"malformed", path, "[profile p]\nx\n", func(e *Editor) error { return e.AddProfile("q", nil) },
			path + ":2: expected an '=' sign defining a property"},
		{"written meanwhile", path, "[profile p]\n", func(e *Editor) error {
			write(t, path, "[profile other]\n")
			return e.AddProfile("q", nil)
		}, path + ": changed by another program meanwhile"},
		{"removed meanwhile", path, "[profile p]\n", func(e *Editor) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return e.AddProfile("q", nil)
		}, path + ": changed by another program meanwhile"},
		{"replaced by the same meanwhile", path, "[profile p]\n", func(e *Editor) error {
			write(t, path+".new", "[profile p]\n")
			if err := os.Rename(path+".new", path); err != nil {
				return err
			}
			return e.AddProfile("q", nil)
		}, path + ": changed by another program meanwhile"},
		{"device", "/dev/null", "", func(e *Editor) error { return e.AddProfile("q", nil) }, "/dev/null: not a regular file"},
		{"folder", dir, "", func(e *Editor) error { return e.AddProfile("q", nil) }, "open " + dir + ": is a directory"},
		{"below a file", filepath.Join(path, "config"), "", func(e *Editor) error { return e.AddProfile("q", nil) },
			"open " + filepath.Join(path, "config") + ": not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			write(t, path, test.text)
			err := EditFile(test.path, ConfigFile, test.edit)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if errors.Is(err, ErrChanged) != strings.HasSuffix(test.want, "meanwhile") {
				t.Errorf("errors.Is(%v, ErrChanged) is wrong", err)
			}
			if strings.HasPrefix(test.name, "removed") {
				onlyFiles(t, dir)
				return
			}
			onlyFiles(t, dir, "config")
			if got := read(t, path); strings.Contains(got, "q") {
				t.Errorf("wrote %q", got)
			}
		})
	}
}

func TestEditWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	text := "[profile p]\n" + strings.Repeat("# padding\n", 20)
	write(t, path, text)
	out, err := jobCommand("full", path, "q").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") {
		t.Errorf("got %v: %s", err, out)
	}
	if got := read(t, path); got != text {
		t.Errorf("wrote %q", got)
	}
	onlyFiles(t, dir, "config")
}

func TestEditNothingToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "[profile p]\nk = v\n")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetValue(path, "p", "k", "v"); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was replaced: %v", err)
	}
}
