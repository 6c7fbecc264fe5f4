// Package keystore keeps opaque secrets by key: in a sealed file, or in
// memory for tests. Beside them it keeps an index in clear that says which
// keys there are, and it has the file and lock helpers that both need.
//
// It knows nothing of AWS profiles beyond the JSON of a user's access key,
// reads no environment, asks nobody and prints nothing: paths, the clock and
// the question for a passphrase come from the caller.
package keystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Store keeps secrets by key. Implementations are safe for concurrent use,
// by goroutines and by processes.
type Store interface {
	// Get returns the value kept under key. A key that is not there is
	// ErrNotFound; a store that cannot tell, because it is locked or broken,
	// never says so.
	Get(ctx context.Context, key string) (Secret, error)

	// Set keeps value under key, in place of what was there. When it returns
	// nil the value is durable; when it returns an error the old one stands.
	Set(ctx context.Context, key string, value Secret) error

	// Delete removes key, or reports ErrNotFound.
	Delete(ctx context.Context, key string) error

	// Keys returns all keys, sorted.
	Keys(ctx context.Context) ([]string, error)

	// State looks without asking anybody.
	State(ctx context.Context) (State, error)
}

// SetAndCompare keeps value under key in store, reads it back, and fails where
// that is not what was given.
func SetAndCompare(ctx context.Context, store Store, key string, value Secret) error {
	if err := store.Set(ctx, key, value); err != nil {
		return err
	}
	back, err := store.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	if back.Reveal() != value.Reveal() {
		return errors.New("what was kept is not what was given")
	}
	return nil
}

// State says whether a store can be read without asking.
type State int

// The states of a store.
const (
	Absent   State = iota // nothing was ever kept in it
	Locked                // reading it needs a passphrase
	Unlocked              // reading it needs nobody
)

func (s State) String() string {
	switch s {
	case Absent:
		return "absent"
	case Locked:
		return "locked"
	case Unlocked:
		return "unlocked"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// What can be wrong with a store, for errors.Is.
var (
	ErrNotFound    = errors.New("not in the keystore")
	ErrLocked      = errors.New("locked, and there is no way to ask for the passphrase")
	ErrPassphrase  = errors.New("wrong passphrase")
	ErrUnavailable = errors.New("not reachable")
	ErrCorrupt     = errors.New("corrupt")
	ErrVersion     = errors.New("written by a newer version")
	ErrPermissions = errors.New("unsafe permissions")
	ErrKey         = errors.New("not usable as a key")
)

// A FileError reports a keystore file that could not be used.
type FileError struct {
	Path   string
	Err    error  // ErrLocked, ErrPassphrase, ErrCorrupt, ErrVersion, or another cause
	Reason string // what about it; may be empty
}

func (e *FileError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("keystore %q: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("keystore %q: %v: %s", e.Path, e.Err, e.Reason)
}

func (e *FileError) Unwrap() error { return e.Err }

// maxKey bounds the length of a key, so that every backend can take it.
const maxKey = 1024

// CheckKey reports whether every backend can keep a value under key: it is
// UTF-8 of 1 to 1024 bytes without NUL. Others are ErrKey.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("key %q: %w: empty", key, ErrKey)
	case len(key) > maxKey:
		return fmt.Errorf("key %q…: %w: longer than %d bytes", strings.ToValidUTF8(key[:32], ""), ErrKey, maxKey)
	case !utf8.ValidString(key):
		return fmt.Errorf("key %q: %w: not UTF-8", key, ErrKey)
	case strings.ContainsRune(key, 0):
		return fmt.Errorf("key %q: %w: contains NUL", key, ErrKey)
	}
	return nil
}

func notFound(key string) error { return fmt.Errorf("key %q: %w", key, ErrNotFound) }
