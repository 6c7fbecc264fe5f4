package sts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

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
	// sealing key is of use.
	Rest func(until time.Time)
}

// A Header is what a cached session says of itself in clear.
type Header struct {
	Hash    string    `json:"hash"` // of the plan up to it
	Action  Action    `json:"action"`
	Profile string    `json:"profile"` // whose use made it
	RoleARN string    `json:"role_arn,omitempty"`
	MFA     bool      `json:"mfa,omitempty"` // a person gave a code for it, or for the session before it
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

// Fresh reports whether the session may be handed out at now; least as for
// Runner.
func (h Header) Fresh(now time.Time, least time.Duration) bool {
	return fresh(h.Issued, h.Expires, now, least)
}

type entry struct {
	Header Header `json:"header"`
	Sealed []byte `json:"sealed"` // nonce, then the ciphertext
}

type cacheFile struct {
	V       int               `json:"v"`
	Entries []json.RawMessage `json:"entries"`
}

type session struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
}

// Headers returns the headers of all sessions that have not ended. It needs no
// key and asks nobody; whether a header is genuine only Get can tell.
func (c *Cache) Headers() []Header {
	entries, err := c.read()
	if err != nil {
		return nil
	}
	var list []Header
	for _, e := range entries {
		if e.Header.Expires.After(c.Now()) {
			list = append(list, e.Header)
		}
	}
	return list
}

// Get returns the session with the plan's hash if it may still be handed out.
// The error is that of getting the sealing key.
func (c *Cache) Get(ctx context.Context, hash string, least time.Duration) (Credentials, bool, error) {
	entries, err := c.read()
	if err != nil {
		return Credentials{}, false, nil
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.Header.Hash == hash })
	if i < 0 || !entries[i].Header.Fresh(c.Now(), least) {
		return Credentials{}, false, nil
	}
	key, err := c.Key(ctx)
	if err != nil {
		return Credentials{}, false, err
	}
	defer clear(key)
	got, ok := unseal(entries[i], key)
	return got, ok, nil
}

// Put keeps a session, in place of an older one with the same hash. Sessions
// that have ended go.
func (c *Cache) Put(ctx context.Context, h Header, with Credentials) error {
	key, err := c.Key(ctx)
	if err != nil {
		return err
	}
	defer clear(key)
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
	var last time.Time
	update := func(old []byte) ([]byte, error) {
		entries := decode(old)
		entries = slices.DeleteFunc(entries, func(e entry) bool { return !e.Header.Expires.After(c.Now()) })
		file := cacheFile{V: 1}
		for _, e := range change(entries) {
			text, err := json.Marshal(e)
			if err != nil {
				return nil, err
			}
			file.Entries = append(file.Entries, text)
			if e.Header.Expires.After(last) {
				last = e.Header.Expires
			}
		}
		return json.Marshal(file)
	}
	err := keystore.UpdateFile(ctx, c.Path, update)
	if errors.Is(err, keystore.ErrPermissions) {
		// Not ours, or open to others: nothing in it counts. It stays, aside.
		if err = os.Rename(c.Path, c.Path+".unsafe"); err == nil {
			err = keystore.UpdateFile(ctx, c.Path, update)
		}
	}
	if err == nil && c.Rest != nil {
		c.Rest(last)
	}
	return err
}

func (c *Cache) read() ([]entry, error) {
	data, err := keystore.ReadFilePrivate(c.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decode(data), nil
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
			entries = append(entries, e)
		}
	}
	return entries
}

// authenticated is what the seal of a session covers beside it: its header, in
// the one form that Go gives it.
func authenticated(h Header) []byte {
	h.Issued, h.Expires = h.Issued.UTC(), h.Expires.UTC()
	text, err := json.Marshal(h)
	if err != nil {
		panic(err) // strings and times
	}
	return append([]byte("vault session 1\n"), text...)
}

func seal(h Header, with Credentials, key []byte) (entry, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return entry{}, err
	}
	text, err := json.Marshal(session{with.AccessKeyID, with.SecretAccessKey.Reveal(), with.SessionToken.Reveal()})
	if err != nil {
		return entry{}, err
	}
	defer clear(text)
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	rand.Read(nonce)
	return entry{h, aead.Seal(nonce, nonce, text, authenticated(h))}, nil
}

func unseal(e entry, key []byte) (Credentials, bool) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil || len(e.Sealed) < aead.NonceSize() {
		return Credentials{}, false
	}
	text, err := aead.Open(nil, e.Sealed[:aead.NonceSize()], e.Sealed[aead.NonceSize():], authenticated(e.Header))
	if err != nil {
		return Credentials{}, false
	}
	defer clear(text)
	var s session
	if json.Unmarshal(text, &s) != nil {
		return Credentials{}, false
	}
	return Credentials{
		AccessKeyID:     s.AccessKeyID,
		SecretAccessKey: keystore.NewSecret(s.SecretAccessKey),
		SessionToken:    keystore.NewSecret(s.SessionToken),
		Issued:          e.Header.Issued,
		Expires:         e.Header.Expires,
	}, true
}

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
