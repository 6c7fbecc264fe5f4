package keychain

import (
	"context"
	"errors"
	"fmt"

	"github.com/shellvault/vault/keystore"
)

// An Error reports that the Keychain could not be used.
type Error struct {
	Key  string // empty: none in particular
	Code int    // of the Security framework; 0: none
	Err  error  // for errors.Is keystore.ErrLocked, ErrCorrupt or ErrVersion, or another cause

	// NeedsUser says that macOS would have had to show a dialog, and could
	// not: nobody is there, or this is not the user's desktop, as over SSH.
	NeedsUser bool
}

func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("keychain: %v", e.Err)
	}
	return fmt.Sprintf("keychain: key %q: %v", e.Key, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// fail returns what err means for a key; nil and the errors of a context are
// what they are.
func (s *Store) fail(key string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &Error{Key: key, Err: err}
	var c code
	if errors.As(err, &c) {
		e.Code = int(c)
		// Where it may not ask, macOS says of some items that it failed to.
		e.NeedsUser = c == errInteraction || c == errRequired || c == errAuthFailed && s.unattended
	}
	return e
}

// unavailable says why there is no Keychain. It is keystore.ErrUnavailable.
type unavailable string

func (e unavailable) Error() string        { return string(e) }
func (e unavailable) Is(target error) bool { return target == keystore.ErrUnavailable }

// codes are those that a user may meet, in words.
var codes = map[code]string{
	-61:             "not writable",
	errUserCanceled: "locked: its dialog was refused",
	-25291:          "no keychain is available",
	-25292:          "read-only",
	errAuthFailed:   "refused: a wrong password, or this program may not use the item",
	-25294:          "no such keychain",
	-25295:          "damaged keychain",
	errDuplicate:    "the item is there already",
	errNotFound:     "no such item",
	-25307:          "no default keychain",
	errInteraction:  "locked, or not allowed without asking, and macOS cannot ask here",
	errRequired:     "locked, or not allowed without asking, and macOS cannot ask here",
	-26275:          "damaged item",
	-34018:          "this build may not use it: an entitlement is missing",
}

func (c code) Error() string {
	if text, ok := codes[c]; ok {
		return fmt.Sprintf("%s (%d)", text, int(c))
	}
	return fmt.Sprintf("error %d of macOS", int(c))
}

// Is makes a code keystore.ErrLocked, if what it takes is somebody at the
// screen.
func (c code) Is(target error) bool {
	switch c {
	case errUserCanceled, errAuthFailed, errInteraction, errRequired:
		return target == keystore.ErrLocked
	}
	return false
}
