package secretservice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
)

// What can be wrong with the service, for errors.Is.
var (
	ErrNoBus        = errors.New("no session bus")
	ErrForeignBus   = errors.New("the session bus belongs to another user")
	ErrNoService    = errors.New("nobody offers it on the session bus")
	ErrNoCollection = errors.New("no collection to keep secrets in")
	ErrNoAnswer     = errors.New("no answer")
	ErrNoEncryption = errors.New(`no encrypted sessions, and secret_service = "plain" is not set`)
)

// An Error reports that the Secret Service could not be used.
type Error struct {
	Collection string // the last part of its path; empty where it is about none

	// Err is one of this package's, keystore.ErrLocked,
	// keystore.ErrPassphrase, or another cause.
	Err    error
	Reason string // what about it; may be empty
}

func (e *Error) Error() string {
	text := "secret service: "
	if e.Collection != "" {
		text += fmt.Sprintf("collection %q: ", e.Collection)
	}
	text += e.Err.Error()
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// A lockedError is keystore.ErrLocked where there was a way to ask.
type lockedError string

func (e lockedError) Error() string        { return string(e) }
func (e lockedError) Is(target error) bool { return target == keystore.ErrLocked }

const (
	errRefused    lockedError = "locked: its dialog was refused, or there is no prompter"
	errUnanswered lockedError = "locked: nobody answered its dialog"
	errStill      lockedError = "locked, although it says that it was unlocked"
	errIsLocked   lockedError = "locked meanwhile"
	errDialog     lockedError = "it wants to ask in a dialog, and there is nobody to ask"
)

// What an operation can meet half-way, and most of which it can go round.
var (
	errDismissed = errors.New("its dialog was refused, or there is no prompter")
	errLost      = errors.New("the connection was lost")
	errNoSession = errors.New("the session is gone")
	errGone      = errors.New("the object is gone")
	errDenied    = errors.New("wrong passphrase")
	errForm      = errors.New("an answer of another form than expected")
)

// causes are the errors of D-Bus and of the specification that mean one of
// ours. UnknownMethod is what GDBus says for an object that is not there.
var causes = map[string]error{
	"org.freedesktop.DBus.Error.ServiceUnknown":   ErrNoService,
	"org.freedesktop.DBus.Error.NameHasNoOwner":   ErrNoService,
	"org.freedesktop.DBus.Error.NoReply":          ErrNoAnswer,
	"org.freedesktop.DBus.Error.Timeout":          ErrNoAnswer,
	"org.freedesktop.DBus.Error.TimedOut":         ErrNoAnswer,
	"org.freedesktop.DBus.Error.Disconnected":     errLost,
	"org.freedesktop.DBus.Error.UnknownMethod":    errGone,
	"org.freedesktop.DBus.Error.UnknownObject":    errGone,
	"org.freedesktop.DBus.Error.UnknownInterface": errGone,
	"org.freedesktop.Secret.Error.NoSuchObject":   errGone,
	"org.freedesktop.Secret.Error.NoSession":      errNoSession,
	"org.freedesktop.Secret.Error.IsLocked":       errIsLocked,
	"org.gnome.keyring.Error.Denied":              errDenied,
}

// cause returns what err, which a call of method returned, means. A context
// that is done is its own reason.
func cause(ctx context.Context, method string, err error) error {
	if err == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var answer dbus.Error
	var network net.Error
	switch {
	case errors.As(err, &answer):
		switch known := causes[answer.Name]; {
		case known == ErrNoService:
			return &Error{Err: known}
		case known != nil:
			return &Error{Err: known, Reason: method}
		case method == "OpenSession" && answer.Name == "org.freedesktop.DBus.Error.NotSupported":
			return &Error{Err: ErrNoEncryption}
		}
		text := strings.Join(strings.Fields(answer.Error()), " ")
		return &Error{Err: errors.New(method + " was refused"), Reason: text + " (" + answer.Name + ")"}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Err: ErrNoAnswer, Reason: method}
	case errors.Is(err, dbus.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return &Error{Err: errLost, Reason: method}
	}
	return &Error{Err: err, Reason: method}
}

// notFound says that there is nothing under key.
func notFound(key string) error { return fmt.Errorf("key %q: %w", key, keystore.ErrNotFound) }
