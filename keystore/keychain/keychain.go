// Package keychain keeps secrets in the Keychain of macOS, as generic
// passwords in the user's default keychain, which is the one called login
// unless he has chosen another.
//
// What talks to macOS is one thin file that only a build for macOS with cgo
// has; all else is built and tested everywhere, against a fake.
package keychain

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/internal/envelope"
)

// service is the kSecAttrService of all items. It must never change: it is
// how they are found.
const service = "github.com/shellvault/vault"

// Store is a keystore.Store in the Keychain. Its calls end with their context
// although macOS may be asking in a dialog: what that allows later is done.
type Store struct {
	api        api
	unattended bool
}

// Options say how to open a Store.
type Options struct {
	// Unattended says that nobody is there to be asked: macOS then shows no
	// dialog, for this whole process.
	Unattended bool
}

// Available returns nil if this build can use the Keychain, or why not, which
// is keystore.ErrUnavailable.
func Available() error {
	_, err := system()
	return err
}

// Open returns the Keychain, or what Available says. It reads nothing yet.
func Open(o Options) (*Store, error) {
	a, err := system()
	if err != nil {
		return nil, err
	}
	return open(a, o)
}

func open(a api, o Options) (*Store, error) {
	s := &Store{a, o.Unattended}
	if o.Unattended {
		if err := a.Interaction(false); err != nil {
			return nil, s.fail("", err)
		}
	}
	return s, nil
}

// Get returns the value kept under key.
func (s *Store) Get(ctx context.Context, key string) (keystore.Secret, error) {
	if err := begin(ctx, key); err != nil {
		return keystore.Secret{}, err
	}
	found, err := await(ctx, func() ([]item, error) { return s.api.Query(one(key), wantData) })
	switch {
	case err != nil:
		return keystore.Secret{}, s.fail(key, err)
	case len(found) == 0:
		return keystore.Secret{}, notFound(key)
	}
	defer clear(found[0].data)
	value, err := envelope.Unwrap(key, found[0].data)
	if err != nil {
		return keystore.Secret{}, s.fail(key, err)
	}
	return value, nil
}

// Set keeps value under key. An item that is there is changed in place: made
// anew it would lose whom the user has allowed to read it.
func (s *Store) Set(ctx context.Context, key string, value keystore.Secret) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	data, err := envelope.Wrap(key, value)
	if err != nil {
		return err
	}
	full := one(key)
	full.label, full.data, full.local = "vault: "+key, data, true
	_, err = await(ctx, func() (struct{}, error) {
		defer clear(data)
		return struct{}{}, s.put(full)
	})
	return s.fail(key, err)
}

// put adds or changes an item.
func (s *Store) put(full item) (err error) {
	for range 3 { // again if it is deleted between the two
		err = s.api.Add(full)
		if !errors.Is(err, errDuplicate) {
			return err
		}
		err = s.api.Update(item{service: full.service, account: full.account}, item{data: full.data})
		if !errors.Is(err, errNotFound) {
			return err
		}
	}
	return err
}

// Delete removes key.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	_, err := await(ctx, func() (struct{}, error) { return struct{}{}, s.api.Delete(one(key)) })
	if errors.Is(err, errNotFound) {
		return notFound(key)
	}
	return s.fail(key, err)
}

// Keys returns all keys, sorted. It reads attributes only, which needs nobody.
func (s *Store) Keys(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, err := await(ctx, func() ([]item, error) { return s.api.Query(item{service: service}, wantAttributes) })
	if err != nil {
		return nil, s.fail("", err)
	}
	var keys []string
	for _, i := range found {
		if keystore.CheckKey(i.account) == nil {
			keys = append(keys, i.account)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil // another keychain of the user may hold a copy
}

// State says whether the user's default keychain is unlocked. macOS may ask
// even then: an item trusts the program that made it, and no other version of
// it unless both are signed by the same developer.
func (s *Store) State(ctx context.Context) (keystore.State, error) {
	keys, err := s.Keys(ctx)
	if err != nil || len(keys) == 0 {
		return keystore.Absent, err
	}
	unlocked, err := await(ctx, s.api.Unlocked)
	switch {
	case err != nil:
		return keystore.Absent, s.fail("", err)
	case unlocked:
		return keystore.Unlocked, nil
	}
	return keystore.Locked, nil
}

// Unlock reads one of the items, so that macOS asks what it has to.
func (s *Store) Unlock(ctx context.Context) error {
	keys, err := s.Keys(ctx)
	if err != nil || len(keys) == 0 {
		return err
	}
	_, err = s.Get(ctx, keys[0])
	return err
}

// Lock reports, as errors.ErrUnsupported, that it does nothing: the keychain
// is not only vault's, and locking it would lock out the user's mail and
// browser.
func (s *Store) Lock() error {
	return fmt.Errorf("keychain: locked by macOS alone, as other programs use it, too: %w", errors.ErrUnsupported)
}

// one returns what identifies the item of a key.
func one(key string) item { return item{service: service, account: key} }

// await returns what f returns, or the error of ctx if that is done first.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := f()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// begin reports what makes an operation on key pointless.
func begin(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return keystore.CheckKey(key)
}

func notFound(key string) error { return fmt.Errorf("key %q: %w", key, keystore.ErrNotFound) }
