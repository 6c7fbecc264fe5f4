package secretservice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
)

// volatile is the collection that every service has, and forgets at logout.
const volatile = dbus.ObjectPath("/org/freedesktop/secrets/collection/session")

// collectionOf returns the collection of an item. The specification lays down
// the form of both paths, section "Object Paths".
func collectionOf(item dbus.ObjectPath) dbus.ObjectPath {
	return dbus.ObjectPath(path.Dir(string(item)))
}

// nameOf returns what an error calls the collection of o.
func nameOf(o object) string {
	if o.kind == item {
		o.path = collectionOf(o.path)
	}
	return path.Base(string(o.path))
}

// home returns the own collection: the configured one, or the default. It is
// noPath where that is not there.
func (s *Store) home(ctx context.Context, c *client) (dbus.ObjectPath, error) {
	if s.Collection == "" {
		return c.aliased(ctx, "default")
	}
	paths, err := c.collections(ctx)
	if err != nil {
		return noPath, err
	}
	slices.Sort(paths)
	asked := make([]*pending, len(paths))
	for i, p := range paths {
		if path.Base(string(p)) == s.Collection {
			return p, nil
		}
		asked[i] = c.startProperty(ctx, p, collection, "Label")
	}
	home := noPath
	for i, p := range asked {
		label, err := property[string](p)
		switch {
		case errors.Is(err, errGone):
		case err != nil:
			return noPath, err
		case label == s.Collection && home == noPath:
			home = paths[i]
		}
	}
	return home, nil
}

// checkHome reports whether home keeps what is put there.
func checkHome(home dbus.ObjectPath) error {
	switch home {
	case noPath:
		return &Error{Err: ErrNoCollection, Reason: "no default one is set"}
	case volatile:
		return &Error{Err: ErrNoCollection, Reason: fmt.Sprintf("%q is forgotten at logout", path.Base(string(home)))}
	}
	return nil
}

// makeHome returns the own collection, and makes a configured one that is not
// there.
func (s *Store) makeHome(ctx context.Context, c *client) (dbus.ObjectPath, error) {
	home, err := s.home(ctx, c)
	switch {
	case err != nil:
		return noPath, err
	case home != noPath || s.Collection == "":
		return home, checkHome(home)
	case s.Ask == AskNobody:
		return noPath, s.notMade("making it asks for its passphrase")
	}
	end, _, err := s.takeTurn(ctx)
	if err != nil {
		return noPath, err
	}
	defer end()
	// Another process may have made it meanwhile.
	if home, err = s.home(ctx, c); err != nil || home != noPath {
		return home, err
	}
	properties := map[string]dbus.Variant{collection + "Label": dbus.MakeVariant(s.Collection)}
	err = errDismissed
	if s.Ask == AskAnyhow {
		home, err = s.makeInDialog(ctx, c, properties)
	}
	if errors.Is(err, errDismissed) && s.Passphrase != nil {
		home, err = s.makeWithPassphrase(ctx, c, properties)
	}
	if errors.Is(err, errDismissed) {
		return noPath, s.notMade("the dialog that makes it was refused, or there is no prompter")
	}
	return home, err
}

func (s *Store) notMade(why string) error {
	return &Error{Err: ErrNoCollection, Reason: fmt.Sprintf("%q is not there, and %s", s.Collection, why)}
}

func (s *Store) makeInDialog(ctx context.Context, c *client, properties map[string]dbus.Variant) (made dbus.ObjectPath, err error) {
	a, err := c.write(ctx, servicePath, service+"CreateCollection", properties, "")
	if err != nil {
		return noPath, err
	}
	var question dbus.ObjectPath
	if err := cmp.Or(part(a, 0, &made), part(a, 1, &question)); err != nil {
		return noPath, err
	}
	if question == noPath {
		return made, nil
	}
	result, err := s.runDialog(ctx, c, question, nil)
	if err != nil {
		return noPath, err
	}
	return within[dbus.ObjectPath]("CreateCollection", result)
}

// guilt is an interface of gnome-keyring alone, for its own tools.
const guilt = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface."

func (s *Store) makeWithPassphrase(ctx context.Context, c *client, properties map[string]dbus.Variant) (made dbus.ObjectPath, err error) {
	if takes, err := c.takesPassphrases(ctx); err != nil || !takes {
		return noPath, cmp.Or(err, errDismissed)
	}
	with, err := c.awaitSession(ctx)
	if err != nil {
		return noPath, err
	}
	for attempt := 1; attempt <= attempts; attempt++ {
		passphrase, err := s.Passphrase(ctx, keystore.PassphraseRequest{Path: s.Collection, New: true, Attempt: attempt})
		if err != nil {
			return noPath, s.unasked(ctx, s.Collection, err)
		}
		if passphrase.IsZero() {
			continue // it would be a collection in clear
		}
		sealed, err := with.seal(passphrase)
		if err != nil {
			return noPath, err
		}
		a, err := c.write(ctx, servicePath, guilt+"CreateWithMasterPassword", properties, sealed)
		if err != nil {
			return noPath, err
		}
		err = part(a, 0, &made)
		return made, err
	}
	return noPath, &Error{Collection: s.Collection, Err: keystore.ErrPassphrase, Reason: "it is empty"}
}
