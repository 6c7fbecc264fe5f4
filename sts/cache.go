package sts

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/shellvault/vault/keystore"
)

// A Cache keeps sessions in one file, each sealed under the sealing key
// (XChaCha20-Poly1305) with a header in clear that the seal covers. What
// cannot be read is a miss, never a failure.
type Cache struct {
	Path string
	Now  func() time.Time

	// Key returns the sealing key; it may open the keystore and ask.
	Key func(ctx context.Context) ([]byte, error)

	// Rest, if not nil, hears when the last cached session ends: until then the
	// sealing key is of use. It is called under the lock of the file.
	Rest func(until time.Time)
}

// A Header is what a cached session says of itself in clear.
type Header struct {
	Hash    string    `json:"hash"` // of the plan up to it
	Action  Action    `json:"action"`
	Profile string    `json:"profile"` // whose use made it
	RoleARN string    `json:"role_arn,omitempty"`
	Account string    `json:"account,omitempty"` // that AWS says it is of, where that was asked
	Family  string    `json:"family,omitempty"`  // of an MFA session, whatever its duration
	MFA     bool      `json:"mfa,omitempty"`     // a person gave a code for it, or for the session before it
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

// Fresh reports whether the session may be handed out at now; least as for
// Runner.
func (h Header) Fresh(now time.Time, least time.Duration) bool {
	return fresh(h.Issued, h.Expires, now, least)
}

func (h Header) alive(now time.Time) bool { return alive(h.Issued, h.Expires, now) }

type entry struct {
	Header Header `json:"header"`
	Sealed []byte `json:"sealed"` // nonce, then the ciphertext

	raw json.RawMessage // as it stands in the file
}

type cacheFile struct {
	V       int               `json:"v"`
	Entries []json.RawMessage `json:"entries"`
}

// Headers returns the headers of all sessions that have not ended. It needs no
// key and asks nobody; whether a header is genuine only Get can tell.
func (c *Cache) Headers() []Header {
	now := c.Now()
	var list []Header
	for _, e := range c.read() {
		if e.Header.alive(now) {
			list = append(list, e.Header)
		}
	}
	return list
}

// Get returns the session with the plan's hash if it may still be handed out.
// The error is that of getting the sealing key.
func (c *Cache) Get(ctx context.Context, hash string, least time.Duration) (Credentials, bool, error) {
	now := c.Now()
	got, _, ok, err := c.find(ctx, func(h Header) bool { return h.Hash == hash && h.Fresh(now, least) })
	return got, ok, err
}

// find returns the first genuine session with a header that is wanted.
func (c *Cache) find(ctx context.Context, want func(Header) bool) (Credentials, Header, bool, error) {
	entries := slices.DeleteFunc(c.read(), func(e entry) bool { return !want(e.Header) })
	if len(entries) == 0 {
		return Credentials{}, Header{}, false, nil
	}
	key, err := c.Key(ctx)
	if err != nil {
		return Credentials{}, Header{}, false, err
	}
	defer clear(key)
	for _, e := range entries {
		if got, ok := unseal(e, key); ok {
			return got, e.Header, true, nil
		}
	}
	return Credentials{}, Header{}, false, nil
}

// Put keeps a session, in place of an older one with the same hash. Sessions
// that have ended go.
func (c *Cache) Put(ctx context.Context, h Header, with Credentials) error {
	key, err := c.Key(ctx)
	if err != nil {
		return err
	}
	defer clear(key)
	return c.put(ctx, key, h, with)
}

func (c *Cache) put(ctx context.Context, key []byte, h Header, with Credentials) error {
	e, err := seal(h, with, key)
	if err != nil {
		return err
	}
	return c.update(ctx, func(entries []entry) []entry {
		entries = slices.DeleteFunc(entries, func(old entry) bool { return old.Header.Hash == h.Hash })
		return append(entries, e)
	})
}

// Drop forgets the session with that hash.
func (c *Cache) Drop(ctx context.Context, hash string) error {
	return c.update(ctx, func(entries []entry) []entry {
		return slices.DeleteFunc(entries, func(old entry) bool { return old.Header.Hash == hash })
	})
}

// update changes the file under its lock, which is held for no longer.
func (c *Cache) update(ctx context.Context, change func([]entry) []entry) error {
	update := func(old []byte) ([]byte, error) {
		now := c.Now()
		entries := slices.DeleteFunc(decode(old), func(e entry) bool { return !e.Header.alive(now) })
		file := cacheFile{V: 1}
		var last time.Time
		for _, e := range change(entries) {
			file.Entries = append(file.Entries, e.raw)
			if e.Header.Expires.After(last) {
				last = e.Header.Expires
			}
		}
		if c.Rest != nil {
			c.Rest(last)
		}
		return json.Marshal(file)
	}
	err := keystore.UpdateFile(ctx, c.Path, update)
	if err != nil && c.setAside(ctx) {
		err = keystore.UpdateFile(ctx, c.Path, update)
	}
	return err
}

// setAside moves away what stands in the place of the file and cannot be read
// or trusted: nothing in it counts. It reports whether the place is free.
func (c *Cache) setAside(ctx context.Context) bool {
	// Under a lock, or what another process has written since would go too.
	// There is none in a folder that is open to others: then all stays.
	unlock, err := keystore.Lock(ctx, c.Path+".unsafe.lock")
	if err != nil {
		return false
	}
	defer unlock()
	_, err = keystore.ReadFilePrivate(c.Path)
	return err == nil || errors.Is(err, fs.ErrNotExist) || os.Rename(c.Path, c.Path+".unsafe") == nil
}

func (c *Cache) read() []entry {
	data, err := keystore.ReadFilePrivate(c.Path)
	if err != nil {
		return nil
	}
	return decode(data)
}

// decode returns the entries that can be read; a file cut short or written by
// something else has none.
func decode(data []byte) []entry {
	var file cacheFile
	if json.Unmarshal(data, &file) != nil || file.V != 1 {
		return nil
	}
	entries := make([]entry, 0, len(file.Entries))
	for _, text := range file.Entries {
		var e entry
		if json.Unmarshal(text, &e) == nil {
			e.raw = text
			entries = append(entries, e)
		}
	}
	return entries
}
