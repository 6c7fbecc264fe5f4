package sts

import (
	"context"
	"slices"
)

// DropFunc forgets the sessions that drop picks by their header, and says how
// many those were.
func (c *Cache) DropFunc(ctx context.Context, drop func(Header) bool) (n int, err error) {
	err = c.update(ctx, func(entries []entry) []entry {
		before := len(entries)
		entries = slices.DeleteFunc(entries, func(e entry) bool { return drop(e.Header) })
		n = before - len(entries)
		return entries
	})
	return n, err
}
