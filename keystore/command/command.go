// Package command keeps secrets in a program that it knows only by four
// command lines, such as pass, gopass, op or bw: one that prints the value of
// a key, one that takes it on stdin, one that deletes it, and one that prints
// the names of all keys. No shell is between, and no secret is an argument.
//
// It trusts such a program with little. Values travel in an envelope that
// says which key they belong to, so that a search that finds the nearest
// match is no answer; what was written is read back before it counts; and
// while a value is replaced the old one lies beside it, because few of these
// programs replace a file at once: gpg empties it first.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/internal/envelope"
)

// Store is a keystore.Store by command.
type Store struct {
	Commands Commands
	Timeout  time.Duration // for each command; 0 is a minute, as gpg may ask
	Environ  []string      // of the commands
	LockPath string        // held while something is changed

	// Terminal is where the commands may ask: those that read no value from
	// stdin have it there. It is not /dev/tty, which is another one for gpg's
	// agent. Nil means that there is none: then each command has a session of
	// its own, and is ended with all that it started.
	Terminal *os.File

	// Unattended says that nobody is there to be asked, in a window neither.
	Unattended bool

	// Stderr is where what the commands say goes; nil is nowhere.
	Stderr io.Writer

	// Waiting, if not nil, is called before waiting for another process that
	// is changing something.
	Waiting func()

	patience time.Duration // 0: the constant
}

// Get returns the value kept under key.
func (s *Store) Get(ctx context.Context, key string) (keystore.Secret, error) {
	if err := begin(ctx, key); err != nil {
		return keystore.Secret{}, err
	}
	// That a key is not there is not worth the program's own words.
	said := hold(s.Stderr, cmp.Or(s.patience, patience))
	defer said.release()
	value, err := s.read(ctx, key, encode(key), said)
	if err == nil || givenUp(ctx, err) {
		return value, err
	}
	return s.search(ctx, key, err, said)
}

// search looks for a key that could not be read at once, for that cause: it
// may not be there, or be torn, or another process may be writing it.
func (s *Store) search(ctx context.Context, key string, cause error, said *held) (keystore.Secret, error) {
	unlock, waited, err := s.lock(ctx, "get", key)
	if err != nil {
		return keystore.Secret{}, err
	}
	defer unlock()
	names, err := s.list(ctx, said)
	switch {
	case err != nil:
		return keystore.Secret{}, err
	case !names.has(key):
		said.forget()
		return keystore.Secret{}, notFound(key)
	case names[backup(key)]:
		value, _, err := s.readOrBackup(ctx, key, names, said)
		return value, err
	case waited:
		return s.read(ctx, key, encode(key), said)
	}
	return keystore.Secret{}, cause
}

// readOrBackup returns the value of a key that has a backup. Where it is torn
// or missing, that is what the backup holds.
func (s *Store) readOrBackup(ctx context.Context, key string, names listing, stderr io.Writer) (value keystore.Secret, torn bool, err error) {
	// The backup first: that it can be read shows that the program is
	// unlocked by now, and that what then fails is torn. The backup itself
	// may be torn, too: it was written first.
	old, oldErr := s.read(ctx, key, backup(key), stderr)
	if givenUp(ctx, oldErr) || !names[encode(key)] {
		return old, true, oldErr
	}
	value, err = s.read(ctx, key, encode(key), stderr)
	if err != nil && !givenUp(ctx, err) && oldErr == nil {
		return old, true, nil
	}
	return value, false, err
}

// givenUp reports whether err is there because the caller does not want to
// wait any longer, or the program did not answer.
func givenUp(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded))
}

// Delete removes key.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	unlock, _, err := s.lock(ctx, "delete", key)
	if err != nil {
		return err
	}
	defer unlock()
	names, err := s.list(ctx, s.Stderr)
	if err != nil {
		return err
	}
	if !names.has(key) {
		return notFound(key)
	}
	// The backup first: alone it would count as the value.
	var failed error
	for _, name := range []string{backup(key), encode(key)} {
		if names[name] && failed == nil {
			_, failed = s.run(ctx, task{"delete", key, place(s.Commands.Delete, name), nil}, s.Stderr)
		}
	}
	// Only the list says whether it is gone: some programs fail at what comes
	// after, such as a commit.
	names, err = s.list(ctx, s.Stderr)
	switch {
	case err != nil:
		return errors.Join(failed, err)
	case !names.has(key):
		return nil
	case failed != nil:
		return failed
	}
	return s.fail("delete", key, errStillThere)
}

// Keys returns all keys, sorted. It reads no value.
func (s *Store) Keys(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	names, err := s.list(ctx, s.Stderr)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(names.keys())), nil
}

// State is Unlocked: whether it will ask, only the program knows, and running
// it to find out could ask.
func (s *Store) State(ctx context.Context) (keystore.State, error) {
	return keystore.Unlocked, ctx.Err()
}

// Unlock reads one of the keys, so that the program asks what it has to.
func (s *Store) Unlock(ctx context.Context) error {
	keys, err := s.Keys(ctx)
	if err != nil || len(keys) == 0 {
		return err
	}
	_, err = s.Get(ctx, keys[0])
	return err
}

// Lock reports, as errors.ErrUnsupported, that the program is locked by its
// own means.
func (s *Store) Lock() error {
	return fmt.Errorf("keystore %q is locked by its own means: %w", program(s.Commands.Get), errors.ErrUnsupported)
}

// read runs the get command for a name under which the value of key may lie.
func (s *Store) read(ctx context.Context, key, name string, stderr io.Writer) (keystore.Secret, error) {
	out, err := s.run(ctx, task{"get", key, place(s.Commands.Get, name), nil}, stderr)
	defer clear(out)
	if err != nil {
		return keystore.Secret{}, err
	}
	value, err := envelope.Unwrap(key, out)
	if err != nil {
		return keystore.Secret{}, s.fail("get", key, err)
	}
	return value, nil
}

// list runs the list command.
func (s *Store) list(ctx context.Context, stderr io.Writer) (listing, error) {
	out, err := s.run(ctx, task{"list", "", s.Commands.List, nil}, stderr)
	if err != nil {
		return nil, err
	}
	return parseListing(string(out)), nil
}

// lock takes the lock for what a command is to do with a key; waited says that
// another held it.
func (s *Store) lock(ctx context.Context, which, key string) (unlock func(), waited bool, err error) {
	unlock, ok, err := keystore.TryLock(s.LockPath)
	if ok || err != nil {
		return unlock, false, err
	}
	if s.Waiting != nil {
		s.Waiting()
	}
	// Who holds it runs a handful of commands, and may be asking somebody.
	patient := 5 * s.timeout()
	if s.Unattended {
		patient = grace
	}
	short, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	unlock, err = keystore.Lock(short, s.LockPath)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		err = s.fail(which, key, errBusy)
	}
	return unlock, true, err
}

// begin reports what makes an operation on key pointless.
func begin(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return keystore.CheckKey(key)
}

func notFound(key string) error { return fmt.Errorf("key %q: %w", key, keystore.ErrNotFound) }

// sameLetters reports whether two keys differ only in case.
func sameLetters(a, b string) bool { return a != b && strings.EqualFold(a, b) }
