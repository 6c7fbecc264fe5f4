package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/sts"
)

// The file "journal" in the state folder says what credentials were handed out,
// to whom and when: a JSON object a line, without secrets. It stays on this
// machine.

// A journalEntry is one hand-out of credentials.
type journalEntry struct {
	Time    time.Time `json:"time"`
	Command string    `json:"command"` // or, of what a shell's hook did: renewal, return, folder
	Profile string    `json:"profile,omitempty"`
	Account string    `json:"account,omitempty"`
	Role    string    `json:"role,omitempty"`         // its ARN, or its name in Identity Center
	Session string    `json:"session_name,omitempty"` // by which CloudTrail knows it: the end of userIdentity.arn
	Key     string    `json:"key,omitempty"`          // the last four letters of the access key id
	Expires time.Time `json:"expires,omitzero"`
	Program string    `json:"program,omitempty"` // that vault worked for
	PID     int       `json:"pid,omitempty"`
	Folder  string    `json:"folder,omitempty"`
}

// fullJournal is the size of the file, in bytes, from which on another one is
// begun. One older is kept.
const fullJournal = 5 << 20

func (app *App) journalFile() string {
	return filepath.Join(app.folder("XDG_STATE_HOME", ".local/state"), "journal")
}

func olderJournal(path string) string { return path + ".1" }

// handedOut notes that a command gives the credentials of a target to the
// program that called vault.
func (app *App) handedOut(command string, r resolved, t target) {
	app.enter(app.entry(command, r, t.creds))
}

// handedOut notes that a shell gets credentials by its hook. That may call from
// a child of the shell, which has the shell's process group.
func (h hook) handedOut(what string, r resolved, t target) {
	e := h.entry(what, r, t.creds)
	e.PID = unix.Getpgrp()
	h.App.enter(e)
}

// entry returns what the journal says of a hand-out.
func (app *App) entry(command string, r resolved, creds sts.Credentials) journalEntry {
	e := journalEntry{Command: command, Key: lastFour(creds.AccessKeyID), Expires: creds.Expires}
	if len(r.chain) > 0 {
		last := r.plan.Last()
		e.Profile, e.Account, e.Role, e.Session = r.profile().Name, account(r), last.RoleARN, last.SessionName
		if last.Action == sts.SSORoleCredentials {
			e.Role = last.SSORole
		}
	}
	e.Program, e.PID = app.Parent(), os.Getppid()
	return e
}

func lastFour(id string) string { return id[max(len(id)-4, 0):] }

// enter writes an entry into the journal, unless the settings say that there
// is none. It waits for nobody, and a failure is no matter of the command: what
// keeps the journal from being written "vault doctor" tells.
func (app *App) enter(e journalEntry) {
	if settings, err := app.ownSettings(); err != nil || settings.NoJournal {
		return
	}
	e.Time, e.Expires = app.Now().UTC().Truncate(time.Millisecond), e.Expires.UTC()
	e.Folder, _ = os.Getwd()
	line, err := json.Marshal(e)
	if err != nil {
		return
	}
	_ = appendJournal(app.journalFile(), append(line, '\n'))
}

// appendJournal writes a line with one call of write(2), which is how the lines
// of many processes stay whole (POSIX.1-2017, open, O_APPEND). The file is made,
// 0600, if it is missing; a link is not followed.
func appendJournal(path string, line []byte) error {
	fd, err := openJournal(path)
	if err == unix.ENOENT && os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		fd, err = openJournal(path)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT != unix.S_IFREG {
		return unix.EINVAL
	}
	if _, err := unix.Write(fd, line); err != nil {
		return err
	}
	if info.Size+int64(len(line)) >= fullJournal {
		turnJournal(path, fd, info)
	}
	return nil
}

func openJournal(path string) (int, error) {
	return unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
}

// turnJournal renames the journal, which is open as fd, to the older one. Of
// many processes that want to one does: who has the lock of a file that still
// has the name. What another is about to write goes to the older one.
func turnJournal(path string, fd int, mine unix.Stat_t) {
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	}
	var now unix.Stat_t
	if unix.Lstat(path, &now) == nil && now.Ino == mine.Ino && now.Dev == mine.Dev {
		_ = os.Rename(path, olderJournal(path))
	}
}

// usual reports whether the session is named as vault names those of this user
// where the config says nothing.
func (e journalEntry) usual(app *App) bool {
	return e.Session == sessionName(app.User, app.Host)
}

// roleName is the name of the role for a person.
func (e journalEntry) roleName() string { return e.Role[strings.LastIndexByte(e.Role, '/')+1:] }
