package command

import (
	"context"
	"errors"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/internal/envelope"
)

// Set keeps value under key, and reads it back. A value that is replaced lies
// under the name of its backup meanwhile, where Get finds it whatever happens
// between.
func (s *Store) Set(ctx context.Context, key string, value keystore.Secret) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	unlock, _, err := s.lock(ctx, "set", key)
	if err != nil {
		return err
	}
	defer unlock()
	names, err := s.list(ctx, s.Stderr)
	if err != nil {
		return err
	}
	if !names.has(key) {
		return s.create(ctx, key, value, names)
	}
	return s.replace(ctx, key, value, names)
}

// create writes the value of a key that was not listed.
func (s *Store) create(ctx context.Context, key string, value keystore.Secret, names listing) error {
	for other := range names.keys() {
		if !sameLetters(key, other) {
			continue
		}
		// Where file names differ in no more than case they do not differ,
		// writing the one would replace the other.
		_, err := s.read(ctx, key, encode(key), nil)
		var found *envelope.OtherKeyError
		if errors.As(err, &found) && sameLetters(key, found.Key) {
			return s.fail("set", key, &caseError{other: found.Key})
		}
	}
	err := s.write(ctx, key, encode(key), value)
	if err == nil {
		var after listing
		if after, err = s.list(ctx, s.Stderr); err == nil && !after[encode(key)] {
			err = s.fail("set", key, errNotListed)
		}
	}
	if err != nil {
		s.tidy(ctx, func(ctx context.Context) { s.drop(ctx, key, encode(key)) })
	}
	return err
}

// replace writes the value of a key that was listed.
func (s *Store) replace(ctx context.Context, key string, value keystore.Secret, names listing) error {
	name, spare := encode(key), backup(key)
	var old keystore.Secret
	var torn bool
	var err error
	if names[spare] { // a write was cut off
		old, torn, err = s.readOrBackup(ctx, key, names, s.Stderr)
	} else {
		old, err = s.read(ctx, key, name, s.Stderr)
	}
	if err != nil {
		return err // what cannot be read cannot be kept safe
	}
	if !torn {
		if err := s.write(ctx, key, spare, old); err != nil {
			s.tidy(ctx, func(ctx context.Context) { s.drop(ctx, key, spare) })
			return err
		}
	}
	if err := s.write(ctx, key, name, value); err != nil {
		s.tidy(ctx, func(ctx context.Context) {
			if s.restore(ctx, key, old) {
				s.drop(ctx, key, spare)
			}
		})
		return err
	}
	s.tidy(ctx, func(ctx context.Context) { s.drop(ctx, key, spare) })
	return nil
}

// write puts value under a name and reads it back. What the command's exit
// status says does not count, if the value is there.
func (s *Store) write(ctx context.Context, key, name string, value keystore.Secret) error {
	line, err := envelope.Wrap(key, value)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	defer clear(line)
	out, failed := s.run(ctx, task{"set", key, place(s.Commands.Set, name), line}, s.Stderr)
	clear(out) // some programs print what they keep
	if givenUp(ctx, failed) {
		return failed
	}
	got, err := s.read(ctx, key, name, s.Stderr)
	switch {
	case err == nil && got.Reveal() == value.Reveal():
		return nil
	case failed != nil:
		return failed
	case err != nil:
		return s.fail("set", key, &notReadError{err})
	}
	return s.fail("set", key, errSwallowed)
}

// tidyTime bounds the work after a write that failed or was interrupted.
const tidyTime = 10 * time.Second

// tidy runs do although ctx may be done, but not for long.
func (s *Store) tidy(ctx context.Context, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	do(ctx)
}

// restore makes sure that the value is old again, and reports whether it is.
func (s *Store) restore(ctx context.Context, key string, old keystore.Secret) bool {
	if got, err := s.read(ctx, key, encode(key), nil); err == nil && got.Reveal() == old.Reveal() {
		return true
	}
	return s.write(ctx, key, encode(key), old) == nil
}

// drop deletes a name, if it can: a backup that stays is dropped by the next
// Set or Delete.
func (s *Store) drop(ctx context.Context, key, name string) {
	if names, err := s.list(ctx, nil); err == nil && names[name] {
		_, _ = s.run(ctx, task{"delete", key, place(s.Commands.Delete, name), nil}, nil)
	}
}
