// Package secretservice keeps secrets in the Secret Service of a Linux
// desktop: gnome-keyring, KWallet, KeePassXC. It speaks the draft
// specification of freedesktop.org over the session bus, which it neither
// starts nor lets start anything.
//
// Secrets go over the bus encrypted. Items are found by attributes of our own
// in any collection; new ones go to the default collection.
package secretservice

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
)

// A Store is a keystore.Store in the Secret Service. It connects when it is
// first used and keeps the connection until Close.
//
// Where several items have the same key, the one in the store's own
// collection counts, else the one whose object path comes first; Set changes
// all that are not locked, and Delete removes all.
type Store struct {
	// Address is that of the session bus: see BusAddress. Empty means that
	// there is none.
	Address string

	// Plain sends secrets over the bus in clear. Who may listen there may
	// also ask for them; but a recording of the bus then holds them.
	Plain bool

	// Collection is the label of the collection for new items, or the last
	// part of its path. The first Set makes it if it is not there. Empty means
	// the default collection, which is never made.
	Collection string

	// LockPath is a file to lock while a person is asked, so that of many
	// processes one asks. Empty means that none waits for another.
	LockPath string

	// Ask says who may be asked to unlock.
	Ask Ask

	// DialogTimeout is how long a dialog may stay open; 0 means a minute.
	DialogTimeout time.Duration

	// Passphrase asks for the passphrase of a collection, whose label is the
	// Path of the request. It is used with gnome-keyring, which alone takes
	// one. Nil means that there is no way to ask.
	Passphrase func(ctx context.Context, ask keystore.PassphraseRequest) (keystore.Secret, error)

	// Waiting, if not nil, is called before waiting for another process that
	// asks.
	Waiting func()

	// Dialog, if not nil, is called before waiting for the answer to a
	// dialog of the service.
	Dialog func()

	application string // tells our items from others; empty: defaultApplication
	limits      limits // zero fields: the default

	mu     sync.Mutex // guards client and failed
	client *client
	failed error // of Begin

	turnOnce sync.Once
	turn     chan struct{} // holds one value while this process asks
	refused  error         // how asking failed before; belongs to who has the turn
}

// Ask says who may be asked to unlock a collection.
type Ask int

// What may be done to unlock.
const (
	AskNobody   Ask = iota // nothing: fail at once
	AskTerminal            // Passphrase, and never a dialog
	AskAnyhow              // a dialog of the service, then Passphrase
)

// The attributes of an item. Searches leave the schema out: gnome-keyring
// knows no schema of a collection that was locked since it started.
const (
	attributeSchema      = "xdg:schema"
	attributeApplication = "application"
	attributeKey         = "key"

	schema             = "io.github.shellvault.Key"
	defaultApplication = "shellvault"
)

// Get returns the value kept under key.
func (s *Store) Get(ctx context.Context, key string) (value keystore.Secret, err error) {
	if err := begin(ctx, key); err != nil {
		return keystore.Secret{}, err
	}
	err = s.do(ctx, true, func(c *client) error {
		found, err := s.find(ctx, c, key, true)
		if err != nil {
			return err
		}
		value, err = s.secret(ctx, c, found[0])
		return err
	})
	return value, err
}

// secret reads one item.
func (s *Store) secret(ctx context.Context, c *client, path dbus.ObjectPath) (keystore.Secret, error) {
	with, err := c.awaitSession(ctx)
	if err != nil {
		return keystore.Secret{}, err
	}
	a, err := s.unlocking(ctx, c, object{path, item}, func() (answer, error) {
		return c.read(ctx, path, item+"GetSecret", with.path)
	})
	if err != nil {
		return keystore.Secret{}, err
	}
	return with.unseal(a)
}

// unlocking calls do, and calls it again after unlocking o where that turns
// out to be locked, whatever the search has said.
func (s *Store) unlocking(ctx context.Context, c *client, o object, do func() (answer, error)) (answer, error) {
	a, err := do()
	if errors.Is(err, errIsLocked) {
		if err = s.unlock(ctx, c, o); err == nil {
			a, err = do()
		}
	}
	return a, err
}

// Set keeps value under key: in the items that are there, else in a new one.
func (s *Store) Set(ctx context.Context, key string, value keystore.Secret) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	return s.do(ctx, true, func(c *client) error {
		found, err := s.find(ctx, c, key, true)
		if err != nil && !errors.Is(err, keystore.ErrNotFound) {
			return err
		}
		with, err := c.awaitSession(ctx)
		if err != nil {
			return err
		}
		sealed, err := with.seal(value)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return s.create(ctx, c, key, sealed)
		}
		return s.change(ctx, c, found, sealed)
	})
}

// change writes to items: the first counts, the others follow if they can.
func (s *Store) change(ctx context.Context, c *client, paths []dbus.ObjectPath, sealed wireSecret) error {
	for i, path := range paths {
		set := func() (answer, error) { return c.write(ctx, path, item+"SetSecret", sealed) }
		if i == 0 {
			if _, err := s.unlocking(ctx, c, object{path, item}, set); err != nil {
				return err
			}
		} else if _, err := set(); err != nil && !errors.Is(err, errIsLocked) && !errors.Is(err, errGone) {
			return err
		}
	}
	return nil
}

// create makes the item of key in the collection for new ones. An item that
// another process has made meanwhile is replaced in its place.
func (s *Store) create(ctx context.Context, c *client, key string, sealed wireSecret) error {
	home, err := s.makeHome(ctx, c)
	if err != nil {
		return err
	}
	attributes := s.attributes(key)
	attributes[attributeSchema] = schema
	properties := map[string]dbus.Variant{
		item + "Label":      dbus.MakeVariant(label(key)),
		item + "Attributes": dbus.MakeVariant(attributes),
	}
	a, err := s.unlocking(ctx, c, object{home, collection}, func() (answer, error) {
		return c.write(ctx, home, collection+"CreateItem", properties, sealed, true)
	})
	if err != nil {
		return err
	}
	return s.finish(ctx, c, a, 1)
}

// Delete removes key.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	removed := false
	err := s.do(ctx, false, func(c *client) error {
		found, err := s.find(ctx, c, key, false)
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := s.remove(ctx, c, path); err != nil {
				return err
			}
			removed = true
		}
		return nil
	})
	if removed && errors.Is(err, keystore.ErrNotFound) {
		return nil // the second look, after a connection was lost
	}
	return err
}

func (s *Store) remove(ctx context.Context, c *client, path dbus.ObjectPath) error {
	a, err := s.unlocking(ctx, c, object{path, item}, func() (answer, error) {
		return c.write(ctx, path, item+"Delete")
	})
	if err != nil {
		return err
	}
	return s.finish(ctx, c, a, 0)
}

// Keys returns all keys, sorted. It reads no secret, and needs to unlock only
// a collection that hides which items it holds.
func (s *Store) Keys(ctx context.Context) (keys []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.do(ctx, false, func(c *client) error {
		found, err := s.visible(ctx, c, s.attributes(""), false)
		if err != nil {
			return err
		}
		keys, err = s.keysOf(ctx, c, found)
		return err
	})
	return keys, err
}

// keysOf returns the keys of items, sorted, each once.
func (s *Store) keysOf(ctx context.Context, c *client, found []found) ([]string, error) {
	keys := map[string]bool{}
	// Not all at once: a bus bounds the calls that wait for an answer.
	for some := range slices.Chunk(found, 64) {
		var asked []*pending
		for _, f := range some {
			asked = append(asked, c.startProperty(ctx, f.path, item, "Attributes"))
		}
		for i, p := range asked {
			attributes, err := property[map[string]string](p)
			if _, named := attributes[attributeKey]; err == nil && !named && some[i].locked {
				attributes, err = s.hidden(ctx, c, some[i].path)
			}
			switch {
			case errors.Is(err, errGone):
			case err != nil:
				return nil, err
			case attributes[attributeKey] != "":
				keys[attributes[attributeKey]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys)), nil
}

// hidden returns the attributes of a locked item after unlocking it: of a
// collection that was locked since it started gnome-keyring has hashes only.
func (s *Store) hidden(ctx context.Context, c *client, path dbus.ObjectPath) (map[string]string, error) {
	if err := s.unlock(ctx, c, object{path, item}); err != nil {
		return nil, err
	}
	return property[map[string]string](c.startProperty(ctx, path, item, "Attributes"))
}

// State says Locked where any item of ours is locked, and where the own
// collection is locked and may hide some.
func (s *Store) State(ctx context.Context) (state keystore.State, err error) {
	if err := ctx.Err(); err != nil {
		return keystore.Absent, err
	}
	err = s.do(ctx, false, func(c *client) error {
		state, err = s.state(ctx, c)
		return err
	})
	return state, err
}

func (s *Store) state(ctx context.Context, c *client) (keystore.State, error) {
	found, err := s.search(ctx, c, s.attributes(""), true, false)
	switch {
	case err != nil:
		return keystore.Absent, err
	case slices.ContainsFunc(found, isLocked):
		return keystore.Locked, nil
	case len(found) > 0:
		return keystore.Unlocked, nil
	}
	if _, locked, err := s.hiding(ctx, c); err != nil || !locked {
		return keystore.Absent, err
	}
	return keystore.Locked, nil
}

// Close ends the connection. The store can be used again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.close()
		s.client = nil
	}
	return nil
}

func begin(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return keystore.CheckKey(key)
}

// attributes are what the item of key is found by, or every item.
func (s *Store) attributes(key string) map[string]string {
	application := s.application
	if application == "" {
		application = defaultApplication
	}
	attributes := map[string]string{attributeApplication: application}
	if key != "" {
		attributes[attributeKey] = key
	}
	return attributes
}

// label is what a person sees of an item.
func label(key string) string {
	return "vault: " + strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, key)
}
