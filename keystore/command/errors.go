package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// An Error reports a command that failed, or that did not do its work.
type Error struct {
	Which      string // get, set, delete, list
	Program    string // the name of what was run
	Key        string // empty for list
	Unattended bool   // it was run where nobody can be asked
	Err        error
}

func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("keystore %q: %s: %v", e.Program, e.Which, e.Err)
	}
	return fmt.Sprintf("keystore %q: %s %q: %v", e.Program, e.Which, e.Key, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

var (
	errSwallowed  = errors.New("the value read back is another")
	errNotListed  = errors.New("the key was set, and the list command does not print it")
	errStillThere = errors.New("the key was deleted, and the list command still prints it")
	errBusy       = errors.New("another process does not stop changing it")
	errTooMuch    = fmt.Errorf("it printed more than %d bytes", maxOutput)
)

// A notReadError says that a value was written and could not be read back.
type notReadError struct{ err error }

func (e *notReadError) Error() string { return fmt.Sprintf("could not be read back: %v", cause(e.err)) }
func (e *notReadError) Unwrap() error { return e.err }

// A caseError says that a key would replace another.
type caseError struct{ other string }

func (e *caseError) Error() string { return fmt.Sprintf("it cannot be told from %q there", e.other) }

// A lateError reports a command that was ended.
type lateError struct{ after time.Duration }

func (e *lateError) Error() string { return fmt.Sprintf("no answer within %s", e.after) }
func (e *lateError) Unwrap() error { return context.DeadlineExceeded }

// cause returns what is wrong, without which command it was.
func cause(err error) error {
	var failed *Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

func (s *Store) fail(which, key string, err error) error {
	words := map[string][]string{"get": s.Commands.Get, "set": s.Commands.Set, "delete": s.Commands.Delete, "list": s.Commands.List}[which]
	var start *exec.Error
	if errors.As(err, &start) { // it repeats the name
		err = start.Err
	}
	return &Error{Which: which, Program: program(words), Key: key, Unattended: s.Unattended, Err: err}
}

func program(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return filepath.Base(words[0])
}
