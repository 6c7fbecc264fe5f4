package secretservice

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
)

// Unlock unlocks the collections that hold our items, or the own one if there
// are no items yet.
func (s *Store) Unlock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.do(ctx, false, func(c *client) error {
		list, err := s.visible(ctx, c, s.attributes(""), false)
		if err != nil {
			return err
		}
		done := map[dbus.ObjectPath]bool{}
		for _, f := range slices.DeleteFunc(list, func(f found) bool { return !f.locked }) {
			if in := collectionOf(f.path); !done[in] {
				done[in] = true
				if err := s.unlock(ctx, c, object{f.path, item}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Lock locks the collections that hold our items, and with them what others
// keep there.
func (s *Store) Lock() error {
	ctx := context.Background() // each call has a limit of its own
	return s.do(ctx, false, func(c *client) error {
		list, err := s.search(ctx, c, s.attributes(""), true, false)
		if err != nil {
			return err
		}
		open := map[dbus.ObjectPath]bool{}
		for _, f := range list {
			if !f.locked {
				open[collectionOf(f.path)] = true
			}
		}
		paths := slices.Sorted(maps.Keys(open))
		if len(paths) == 0 {
			return nil
		}
		a, err := c.write(ctx, servicePath, service+"Lock", paths)
		if err != nil {
			return err
		}
		if err := s.finish(ctx, c, a, 1); err != nil {
			return err
		}
		for _, path := range paths {
			o := object{path, collection}
			locked, err := c.locked(ctx, o)
			if err != nil {
				return err
			}
			if !locked {
				return &Error{Collection: nameOf(o), Err: errors.New("it stays unlocked")}
			}
		}
		return nil
	})
}

// unlock has o unlocked by whoever may be asked. In one process a failure is
// final: nobody is asked twice.
func (s *Store) unlock(ctx context.Context, c *client, o object) error {
	if s.Ask == AskNobody {
		return &Error{Collection: nameOf(o), Err: keystore.ErrLocked}
	}
	end, refused, err := s.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer end()
	// Another may have been unlocking it meanwhile.
	if locked, err := c.locked(ctx, o); err != nil || !locked {
		return err
	}
	if s.refused != nil {
		return s.refused
	}
	err = s.ask(ctx, c, o, refused)
	if err == nil {
		var locked bool
		if locked, err = c.locked(ctx, o); err == nil && locked {
			err = &Error{Collection: nameOf(o), Err: errStill}
		}
	}
	if err != nil && ctx.Err() == nil {
		s.refused = err
	}
	return err
}

// ask asks for o to be unlocked. Refused says that a person has just refused
// the dialog of another process.
func (s *Store) ask(ctx context.Context, c *client, o object, refused bool) error {
	if s.Ask == AskAnyhow && !refused {
		err := s.askInDialog(ctx, c, o)
		if !errors.Is(err, errDismissed) {
			return err
		}
		s.noteRefusal()
	}
	path := o.path
	if o.kind == item {
		path = collectionOf(path)
	}
	if s.Passphrase != nil {
		takes, err := c.takesPassphrases(ctx)
		if err != nil {
			return err
		}
		if takes {
			return s.askForPassphrase(ctx, c, path)
		}
	}
	if s.Ask == AskAnyhow {
		return &Error{Collection: nameOf(o), Err: errRefused}
	}
	return &Error{Collection: nameOf(o), Err: keystore.ErrLocked}
}

func (s *Store) askInDialog(ctx context.Context, c *client, o object) error {
	a, err := c.read(ctx, servicePath, service+"Unlock", []dbus.ObjectPath{o.path})
	if err != nil {
		return err
	}
	var question dbus.ObjectPath
	if err := part(a, 1, &question); err != nil || question == noPath {
		return err
	}
	_, err = s.runDialog(ctx, c, question, &o)
	return err
}

// askForPassphrase unlocks a collection of gnome-keyring.
func (s *Store) askForPassphrase(ctx context.Context, c *client, path dbus.ObjectPath) error {
	o := object{path, collection}
	with, err := c.awaitSession(ctx)
	if err != nil {
		return err
	}
	label, err := property[string](c.startProperty(ctx, path, collection, "Label"))
	if err != nil || label == "" {
		label = nameOf(o)
	}
	for attempt := 1; attempt <= attempts; attempt++ {
		passphrase, err := s.Passphrase(ctx, keystore.PassphraseRequest{Path: label, Attempt: attempt})
		if err != nil {
			return s.unasked(ctx, nameOf(o), err)
		}
		if passphrase.IsZero() {
			continue
		}
		sealed, err := with.seal(passphrase)
		if err != nil {
			return err
		}
		_, err = c.read(ctx, servicePath, guilt+"UnlockWithMasterPassword", path, sealed)
		if !errors.Is(err, errDenied) {
			return err
		}
	}
	return &Error{Collection: nameOf(o), Err: keystore.ErrPassphrase}
}

// unasked is the error for a question that was not answered.
func (s *Store) unasked(ctx context.Context, collection string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Error{Collection: collection, Err: err}
}

// takesPassphrases reports whether the service is a gnome-keyring.
func (c *client) takesPassphrases(ctx context.Context) (bool, error) {
	a, err := c.read(ctx, servicePath, "org.freedesktop.DBus.Introspectable.Introspect")
	if err != nil {
		return false, ctx.Err()
	}
	var xml string
	err = part(a, 0, &xml)
	return strings.Contains(xml, strings.TrimSuffix(guilt, ".")), err
}

// takeTurn returns when nobody else of this user asks. Refused says that
// somebody else was, and that his dialog was refused.
func (s *Store) takeTurn(ctx context.Context) (end func(), refused bool, err error) {
	s.turnOnce.Do(func() { s.turn = make(chan struct{}, 1) })
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	end = func() { <-s.turn }
	if s.LockPath == "" {
		return end, false, nil
	}
	release, ok, err := keystore.TryLock(s.LockPath)
	if err == nil && !ok {
		before := s.lastRefusal()
		if s.Waiting != nil {
			s.Waiting()
		}
		release, err = keystore.Lock(ctx, s.LockPath)
		refused = err == nil && s.lastRefusal() != before
	}
	switch {
	case ctx.Err() != nil && err != nil:
		end()
		return nil, false, ctx.Err()
	case err != nil:
		// Where there is no place for a lock, each asks.
		return end, false, nil
	}
	return func() { release(); <-s.turn }, refused, nil
}

// noteRefusal tells those who wait for the turn that a person has refused, so
// that he need not refuse the dialogs of all of them one by one.
func (s *Store) noteRefusal() {
	if s.LockPath != "" {
		_ = keystore.WriteFileAtomic(s.LockPath+".refused", []byte(rand.Text()), 0o600)
	}
}

func (s *Store) lastRefusal() string {
	last, _ := keystore.ReadFilePrivate(s.LockPath + ".refused")
	return string(last)
}
