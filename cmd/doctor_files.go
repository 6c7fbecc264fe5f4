package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts/sso"
)

// checkSettings looks whether config.toml can be read.
func (d *doctor) checkSettings(context.Context) []finding {
	switch {
	case d.ownErr != nil:
		return []finding{failing(d.fixOf(d.ownErr), "%s", d.ownErr)}
	case !exists(d.settingsFile()):
		return []finding{okay("there is no %s: all is as it comes", d.settingsFile())}
	}
	return []finding{okay("%s is well formed", d.settingsFile())}
}

// checkPermissions looks who else can read or change the files that matter.
func (d *doctor) checkPermissions(context.Context) []finding {
	paths := config.Locate(d.getenv, d.Home)
	var list []finding
	for _, f := range []struct {
		path  string
		clear bool // others may read it
	}{
		{filepath.Dir(paths.Credentials), true}, {paths.Credentials, false}, {paths.Config, false},
		{d.settingsFile(), true}, {d.keysFile(), false}, {d.indexFile(), false}, {d.sessionsFile(), false}, {d.tokensFile(), false},
		{d.journalFile(), false}, {olderJournal(d.journalFile()), false}, {d.recentFile(), false}, {d.trustFile(), false},
	} {
		info, err := os.Stat(f.path)
		if err != nil {
			continue
		}
		what, others := "file", info.Mode().Perm()
		if info.IsDir() {
			what = "folder"
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case ok && int(owner.Uid) != os.Geteuid():
			list = append(list, failing(fmt.Sprintf("sudo chown %d %s", os.Geteuid(), d.shown(f.path)), "the %s %s belongs to another user", what, f.path))
		case others&0o022 != 0:
			list = append(list, failing("chmod go-w "+d.shown(f.path), "others can change the %s %s", what, f.path))
		case others&0o044 != 0 && !f.clear:
			list = append(list, warning("chmod 600 "+d.shown(f.path), "others can read %s", f.path))
		}
	}
	return or(list, "the AWS files and vault's own are yours alone")
}

// checkJournal looks whether what is handed out is noted.
func (d *doctor) checkJournal(context.Context) []finding {
	path := d.journalFile()
	if d.own.NoJournal {
		return []finding{okay("journal = false: nothing is noted")}
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return []finding{warning("rm "+d.shown(path), "%s is not a regular file, so that nothing is noted in it", path)}
	case err == nil && unix.Access(path, unix.W_OK) != nil:
		return []finding{warning("chmod 600 "+d.shown(path), "%s cannot be written to, so that nothing is noted in it", path)}
	case errors.Is(err, fs.ErrNotExist):
		if dir := filepath.Dir(path); exists(dir) && unix.Access(dir, unix.W_OK|unix.X_OK) != nil {
			return []finding{warning("chmod 700 "+d.shown(dir), "nothing can be noted in %s, which cannot be written to", dir)}
		}
		return []finding{okay("nothing was handed out yet")}
	case err != nil:
		return []finding{warning("", "%s", err)}
	}
	return []finding{okay("what is handed out is noted in %s", path)}
}

// checkSignIns looks at the sign-ins to Identity Center, vault's own and those that
// the AWS CLI keeps.
func (d *doctor) checkSignIns(context.Context) []finding {
	if d.filesErr != nil {
		return nil // "config" says it
	}
	shared, list := d.sharedFiles()
	if shared == 0 && len(d.sealedTokens().Sessions()) == 0 {
		return []finding{okay("nobody is signed in to an Identity Center")}
	}
	t, err := d.tokens(nil, signInOptions{})
	if err != nil {
		return nil // "settings" says it
	}
	for _, at := range allCenters(d.files) {
		var last sso.Info
		asks := true
		for _, store := range []sso.Store{t.Own, t.Other} {
			if info, ok := store.Peek(at.session); ok {
				asks = asks && info.Asks(d.Now())
				last.Expires = later(last.Expires, info.Expires)
			}
		}
		if asks && !last.Expires.IsZero() {
			list = append(list, warning(d.name()+" sso login "+word(at.word()), "the sign-in to %s has ended (%s)", at.session, d.clock(last.Expires)))
		}
	}
	return or(d.few(list, "sign-ins"), "none has ended")
}

// sharedFiles looks at the files of sign-ins that the AWS CLI and SDKs share.
func (d *doctor) sharedFiles() (n int, list []finding) {
	files, _ := filepath.Glob(filepath.Join(d.Home, ".aws", "sso", "cache", "*.json")) // its pattern is well formed
	for _, path := range files[:min(len(files), 200)] {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if info.Mode().Perm()&0o077 != 0 {
			list = append(list, failing("chmod 600 "+d.shown(path), "others can read the token of a sign-in in %s", path))
		}
		if text, err := readSome(path, 0, 1<<20); err == nil && !json.Valid(text) {
			list = append(list, warning("rm "+d.shown(path), "%s is damaged: programs that read it fail", path))
		}
		n++
	}
	return n, list
}

// readSome reads a regular file from an offset on, counted from the end where
// it is negative, and no more of it than most bytes. It does not wait for a
// writer.
func readSome(path string, from, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, error(&fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}))
	}
	if from < 0 {
		from = max(info.Size()+from, 0)
	}
	return io.ReadAll(io.NewSectionReader(f, from, most))
}

// editors understand +LINE.
var editors = []string{"vi", "vim", "nvim", "nano", "emacs", "micro", "joe", "kak", "hx"}

// editing is what opens a file in an editor, at a line if it is not 0.
func (d *doctor) editing(path string, line int) string {
	editor := cmp.Or(d.Env["VISUAL"], d.Env["EDITOR"])
	if !slices.Contains(editors, filepath.Base(editor)) || strings.ContainsAny(editor, " \t") {
		editor = "vi"
	}
	if line > 0 {
		editor += fmt.Sprintf(" +%d", line)
	}
	return editor + " " + d.shown(path)
}

// shown is a path as a person types it.
func (d *doctor) shown(path string) string {
	if rest, ok := strings.CutPrefix(tilde(path, d.Home), "~/"); ok && word(rest) == rest {
		return "~/" + rest
	}
	return word(path)
}
