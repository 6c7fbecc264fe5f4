package secretservice

import (
	"context"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
)

// An Other is an item that another program keeps in a collection of its own.
type Other struct {
	Name string // what its attribute "profile" says, else its label
	path dbus.ObjectPath
}

// Others returns the items of the collections with that name, which is a label
// or the last part of a path: a program that uses 99designs/keyring has one.
// It unlocks such a collection if somebody may be asked. Where there is none,
// there are no items.
func (s *Store) Others(ctx context.Context, name string) (others []Other, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = s.do(ctx, false, func(c *client) error {
		others = nil
		paths, err := c.collections(ctx)
		if err != nil {
			return err
		}
		slices.Sort(paths)
		for _, p := range paths {
			label, err := property[string](c.startProperty(ctx, p, collection, "Label"))
			if err != nil && !errors.Is(err, errGone) {
				return err
			}
			if p == volatile || unescapePath(path.Base(string(p))) != name && label != name {
				continue
			}
			some, err := s.items(ctx, c, p)
			if err != nil {
				return err
			}
			others = append(others, some...)
		}
		return nil
	})
	return others, err
}

// items returns all items of a collection, which it unlocks: gnome-keyring
// does not know their names before.
func (s *Store) items(ctx context.Context, c *client, in dbus.ObjectPath) ([]Other, error) {
	locked, err := c.locked(ctx, object{in, collection})
	if err == nil && locked {
		err = s.unlock(ctx, c, object{in, collection})
	}
	if err != nil {
		return nil, err
	}
	paths, err := property[[]dbus.ObjectPath](c.startProperty(ctx, in, collection, "Items"))
	if err != nil {
		return nil, err
	}
	var others []Other
	for some := range slices.Chunk(paths, 32) { // two calls each: see keysOf
		var labels, attributes []*pending
		for _, p := range some {
			labels = append(labels, c.startProperty(ctx, p, item, "Label"))
			attributes = append(attributes, c.startProperty(ctx, p, item, "Attributes"))
		}
		for i, p := range some {
			label, err := property[string](labels[i])
			has, hasErr := property[map[string]string](attributes[i])
			if err := errors.Join(err, hasErr); err != nil && !errors.Is(err, errGone) {
				return nil, err
			}
			if has["profile"] != "" {
				label = has["profile"]
			}
			others = append(others, Other{label, p})
		}
	}
	return others, nil
}

// Other returns what is kept in an item that Others has found.
func (s *Store) Other(ctx context.Context, o Other) (value keystore.Secret, err error) {
	if err := ctx.Err(); err != nil {
		return keystore.Secret{}, err
	}
	err = s.do(ctx, true, func(c *client) error {
		value, err = s.secret(ctx, c, o.path)
		return err
	})
	return value, err
}

// unescapePath decodes what may not stand in a path: "_2d" is "-".
func unescapePath(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '_' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
