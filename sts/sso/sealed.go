package sso

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

// Sealed is a file of vault's own, in which each token is sealed under the
// sealing key (XChaCha20-Poly1305) with a header in clear that the seal
// covers. What cannot be read is not there.
type Sealed struct {
	Path string
	Now  func() time.Time
	Key  func(ctx context.Context) ([]byte, error) // the sealing key; it may ask

	// Rest, if not nil, hears when the last token ends: until then the sealing
	// key is of use.
	Rest func(until time.Time)
}

// A header is what an entry says of itself in clear.
type header struct {
	ID          string    `json:"id"` // of the session
	Session     string    `json:"session"`
	StartURL    string    `json:"start_url"`
	Region      string    `json:"region"`
	Expires     time.Time `json:"expires"`
	Refreshable bool      `json:"refreshable,omitempty"`
	ClientEnds  time.Time `json:"client_ends"`
}

type entry struct {
	Header header `json:"header"`
	Sealed []byte `json:"sealed"` // nonce, then the ciphertext
}

type sealedFile struct {
	V       int     `json:"v"`
	Entries []entry `json:"entries"`
}

// content is what is sealed.
type content struct {
	Access       string   `json:"access_token,omitempty"`
	Refresh      string   `json:"refresh_token,omitempty"`
	ClientID     string   `json:"client_id,omitempty"`
	ClientSecret string   `json:"client_secret,omitempty"`
	Flow         Flow     `json:"flow,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
}

// end is when nothing of the entry is of use any longer.
func (h header) end() time.Time {
	if h.ClientEnds.After(h.Expires) {
		return h.ClientEnds
	}
	return h.Expires
}

// signedIn is until when the entry spares a person the browser.
func (h header) signedIn() time.Time {
	if h.Refreshable {
		return h.end()
	}
	return h.Expires
}

func (h header) authenticated() ([]byte, error) {
	text, err := json.Marshal(h)
	return append([]byte("vault sso token 1\n"), text...), err
}

func decodeSealed(data []byte) []entry {
	var file sealedFile
	if json.Unmarshal(data, &file) != nil || file.V != 1 {
		return nil
	}
	return file.Entries
}

func (x *Sealed) read() []entry {
	data, err := keystore.ReadFilePrivate(x.Path)
	if err != nil {
		return nil
	}
	return decodeSealed(data)
}

func (x *Sealed) find(s Session) (entry, bool) {
	entries := x.read()
	i := slices.IndexFunc(entries, func(e entry) bool { return e.Header.ID == s.ID() })
	if i < 0 {
		return entry{}, false
	}
	return entries[i], true
}

// Peek says when the token ends, from the header in clear.
func (x *Sealed) Peek(s Session) (Info, bool) {
	e, ok := x.find(s)
	h := e.Header
	return Info{Expires: h.Expires, Refreshable: h.Refreshable, ClientEnds: h.ClientEnds}, ok
}

// Until returns until when the tokens in the file spare a person the browser,
// the zero time if there is none.
func (x *Sealed) Until() time.Time { return until(x.read()) }

func until(entries []entry) (last time.Time) {
	for _, e := range entries {
		if end := e.Header.signedIn(); end.After(last) {
			last = end
		}
	}
	return last
}

// Load returns the token. The error is that of getting the sealing key.
func (x *Sealed) Load(ctx context.Context, s Session) (Token, bool, error) {
	e, ok := x.find(s)
	if !ok {
		return Token{}, false, nil
	}
	key, err := x.Key(ctx)
	if err != nil {
		return Token{}, false, err
	}
	defer clear(key)
	t, ok := e.open(key)
	return t, ok, nil
}

func (e entry) open(key []byte) (Token, bool) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil || len(e.Sealed) < aead.NonceSize() {
		return Token{}, false
	}
	additional, err := e.Header.authenticated()
	if err != nil {
		return Token{}, false
	}
	text, err := aead.Open(nil, e.Sealed[:aead.NonceSize()], e.Sealed[aead.NonceSize():], additional)
	if err != nil {
		return Token{}, false
	}
	defer clear(text)
	var c content
	if json.Unmarshal(text, &c) != nil {
		return Token{}, false
	}
	return Token{
		Access: keystore.NewSecret(c.Access), Expires: e.Header.Expires, Refresh: keystore.NewSecret(c.Refresh),
		Client: Registration{c.ClientID, keystore.NewSecret(c.ClientSecret), e.Header.ClientEnds, c.Flow, c.Scopes},
	}, true
}

// Save keeps a token in place of the session's older one. One without an
// access token keeps the registration alone.
func (x *Sealed) Save(ctx context.Context, s Session, t Token) error {
	key, err := x.Key(ctx)
	if err != nil {
		return err
	}
	defer clear(key)
	e, err := sealToken(s, t, key)
	if err != nil {
		return err
	}
	return x.update(ctx, func(entries []entry) []entry {
		entries = slices.DeleteFunc(entries, func(old entry) bool { return old.Header.ID == e.Header.ID })
		return append(entries, e)
	})
}

func sealToken(s Session, t Token, key []byte) (entry, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return entry{}, err
	}
	h := header{ID: s.ID(), Session: s.Name, StartURL: s.StartURL, Region: s.Region,
		Expires: t.Expires.UTC(), Refreshable: !t.Refresh.IsZero(), ClientEnds: t.Client.Expires.UTC()}
	additional, err := h.authenticated()
	if err != nil {
		return entry{}, err
	}
	text, err := json.Marshal(content{t.Access.Reveal(), t.Refresh.Reveal(), t.Client.ID, t.Client.Secret.Reveal(), t.Client.Flow, t.Client.Scopes})
	if err != nil {
		return entry{}, err
	}
	defer clear(text)
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	rand.Read(nonce) // never fails, see crypto/rand
	return entry{h, aead.Seal(nonce, nonce, text, additional)}, nil
}

// Drop forgets the token; the registration is of no use to others and goes too.
func (x *Sealed) Drop(ctx context.Context, s Session) error {
	if _, ok := x.find(s); !ok {
		return nil
	}
	return x.update(ctx, func(entries []entry) []entry {
		return slices.DeleteFunc(entries, func(old entry) bool { return old.Header.ID == s.ID() })
	})
}

// update changes the file under its lock. One that cannot be read or trusted
// is moved away: nothing in it counts.
func (x *Sealed) update(ctx context.Context, change func([]entry) []entry) error {
	update := func(old []byte) ([]byte, error) {
		now := x.Now()
		entries := slices.DeleteFunc(decodeSealed(old), func(e entry) bool { return !e.Header.end().After(now) })
		entries = change(entries)
		if x.Rest != nil {
			x.Rest(until(entries))
		}
		return json.Marshal(sealedFile{1, entries})
	}
	err := keystore.UpdateFile(ctx, x.Path, update)
	var unsafe *keystore.PermissionError
	if errors.As(err, &unsafe) && unsafe.Path == x.Path && os.Rename(x.Path, x.Path+".unsafe") == nil {
		err = keystore.UpdateFile(ctx, x.Path, update)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Sessions returns the sessions that the file has tokens of.
func (x *Sealed) Sessions() []Session {
	var list []Session
	for _, e := range x.read() {
		list = append(list, Session{Name: e.Header.Session, StartURL: e.Header.StartURL, Region: e.Header.Region, Scopes: nil})
	}
	return list
}
