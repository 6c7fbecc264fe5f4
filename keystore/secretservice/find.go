package secretservice

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// do runs op with a connection. It runs it again with a new one where that of
// an earlier operation turns out to be dead, or the service was restarted
// since, and where an object has vanished between two calls.
func (s *Store) do(ctx context.Context, secrets bool, op func(*client) error) error {
	for attempt := 1; ; attempt++ {
		c, fresh, err := s.connected(ctx, secrets)
		if err == nil {
			err = op(c)
			if !c.usable() || errors.Is(err, errNoSession) {
				s.drop(c)
			}
		}
		again := errors.Is(err, errGone) || !fresh && (errors.Is(err, errLost) || errors.Is(err, errNoSession))
		if !again || attempt == attempts {
			return err
		}
	}
}

// attempts is how often something is tried that others can come between, and
// how often a passphrase is asked for.
const attempts = 3

// connected returns the connection; fresh says that it was just made.
func (s *Store) connected(ctx context.Context, secrets bool) (c *client, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connect(ctx, secrets)
}

func (s *Store) connect(ctx context.Context, secrets bool) (c *client, fresh bool, err error) {
	if err, s.failed = s.failed, nil; err != nil {
		return nil, true, err // what Begin has just waited for is not waited for again
	}
	if s.client != nil && s.client.usable() {
		return s.client, false, nil
	}
	if s.client != nil {
		s.client.close()
		s.client = nil
	}
	if c, err = newClient(ctx, s.Address, s.Plain, secrets, s.times()); err != nil {
		return nil, false, err
	}
	s.client = c
	return c, true, nil
}

// Begin connects and asks for a session ahead of a Get, for a caller who has
// something else to do meanwhile: the service takes its time over the keys. It
// asks for no secret and unlocks nothing. What fails is told by the next call.
func (s *Store) Begin(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _, err := s.connect(ctx, true)
	if err != nil {
		s.failed = err
		return
	}
	c.startSession(ctx)
}

func (s *Store) drop(c *client) {
	c.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == c {
		s.client = nil
	}
}

// times returns the limits of s, with their defaults.
func (s *Store) times() limits {
	return limits{
		connect: cmp.Or(s.limits.connect, 5*time.Second),
		call:    cmp.Or(s.limits.call, 5*time.Second),
		alive:   cmp.Or(s.limits.alive, time.Second),
		write:   cmp.Or(s.limits.write, 20*time.Second),
		dialog:  cmp.Or(s.DialogTimeout, time.Minute),
		poll:    cmp.Or(s.limits.poll, 250*time.Millisecond),
	}
}

// found is an item that a search returned.
type found struct {
	path   dbus.ObjectPath
	locked bool
}

func isLocked(f found) bool { return f.locked }

// search returns the items with the attributes. Quiet means that it must not
// raise a dialog: KeePassXC does when it is searched with nothing unlocked, so
// that is not searched. With secrets it opens the session in the same breath.
func (s *Store) search(ctx context.Context, c *client, attributes map[string]string, quiet, secrets bool) ([]found, error) {
	var first *pending
	if quiet {
		first = c.startProperty(ctx, "/org/freedesktop/secrets/aliases/default", collection, "Locked")
	}
	if secrets {
		c.startSession(ctx)
	}
	if quiet {
		if locked, err := property[bool](first); err != nil || locked {
			if some, err := c.anyUnlocked(ctx); err != nil || !some {
				return nil, err
			}
		}
	}
	p := c.start(ctx, max(c.limits.call, c.limits.dialog), servicePath, service+"SearchItems", attributes)
	a, err := s.patiently(ctx, c, p)
	if err != nil {
		return nil, err
	}
	var unlocked, locked []dbus.ObjectPath
	if err := cmp.Or(part(a, 0, &unlocked), part(a, 1, &locked)); err != nil {
		return nil, err
	}
	var list []found
	for _, path := range unlocked {
		list = append(list, found{path, false})
	}
	for _, path := range locked {
		list = append(list, found{path, true})
	}
	return list, nil
}

// patiently returns the answer to p. It waits longer than usual as long as the
// service answers other calls: KeePassXC may ask a person before it searches.
func (s *Store) patiently(ctx context.Context, c *client, p *pending) (answer, error) {
	usual := time.NewTimer(c.limits.call)
	defer usual.Stop()
	for told := false; ; told = true {
		select {
		case done := <-p.call.Done:
			p.call.Done <- done // for wait
			return p.wait()
		case <-usual.C:
		}
		if _, err := c.start(ctx, c.limits.alive, servicePath, "org.freedesktop.DBus.Peer.Ping").wait(); err != nil {
			p.cancel()
			return answer{}, err
		}
		if s.Dialog != nil && !told {
			s.Dialog()
		}
		usual.Reset(c.limits.call)
	}
}

// visible returns the items with the attributes. If there are none to be seen
// because the own collection is locked, it unlocks that first.
func (s *Store) visible(ctx context.Context, c *client, attributes map[string]string, secrets bool) ([]found, error) {
	list, err := s.search(ctx, c, attributes, s.Ask != AskAnyhow, secrets)
	if err != nil || len(list) > 0 {
		return list, err
	}
	home, locked, err := s.hiding(ctx, c)
	if err != nil || !locked {
		return nil, err
	}
	if err := s.unlock(ctx, c, object{home, collection}); err != nil {
		return nil, err
	}
	return s.search(ctx, c, attributes, s.Ask != AskAnyhow, secrets)
}

// hiding reports whether the own collection is locked, so that it may hide
// what it holds. It is ErrNoCollection where there is none, and nothing else
// is unlocked either: then nobody can say what is there.
func (s *Store) hiding(ctx context.Context, c *client) (home dbus.ObjectPath, locked bool, err error) {
	home, err = s.home(ctx, c)
	if err != nil {
		return noPath, false, err
	}
	if home == noPath {
		some, err := c.anyUnlocked(ctx)
		if err == nil && !some {
			err = checkHome(noPath)
		}
		return noPath, false, err
	}
	locked, err = c.locked(ctx, object{home, collection})
	return home, locked, err
}

// find returns the items of key, first the one that counts, which it unlocks.
// Where there are none that is keystore.ErrNotFound.
func (s *Store) find(ctx context.Context, c *client, key string, secrets bool) ([]dbus.ObjectPath, error) {
	list, err := s.visible(ctx, c, s.attributes(key), secrets)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, notFound(key)
	}
	if len(list) > 1 {
		home, err := s.home(ctx, c)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(a, b found) int { return compare(home, a.path, b.path) })
	}
	if list[0].locked {
		if err := s.unlock(ctx, c, object{list[0].path, item}); err != nil {
			return nil, err
		}
	}
	paths := make([]dbus.ObjectPath, len(list))
	for i, f := range list {
		paths[i] = f.path
	}
	return paths, nil
}

// compare orders items: those of home first, those that end with the login
// session last, and each collection by name and number.
func compare(home, a, b dbus.ObjectPath) int {
	rank := func(path dbus.ObjectPath) int {
		switch collectionOf(path) {
		case home:
			return 0
		case volatile:
			return 2
		}
		return 1
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	if d := strings.Compare(string(collectionOf(a)), string(collectionOf(b))); d != 0 {
		return d
	}
	if d := len(a) - len(b); d != 0 {
		return d
	}
	return strings.Compare(string(a), string(b))
}
