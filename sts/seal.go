package sts

import (
	"crypto/rand"
	"encoding/json"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/shellvault/vault/keystore"
)

// session is what is sealed.
type session struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionToken    string `json:"session_token"`
}

// authenticated is what the seal of a session covers beside it: its header, in
// the one form that Go gives it. The error is that of a time beyond the years
// that JSON can say.
func authenticated(h Header) ([]byte, error) {
	h.Issued, h.Expires = h.Issued.UTC(), h.Expires.UTC()
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return append([]byte("vault session 1\n"), text...), nil
}

func seal(h Header, with Credentials, key []byte) (entry, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return entry{}, err
	}
	header, err := authenticated(h)
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
	e := entry{Header: h, Sealed: aead.Seal(nonce, nonce, text, header)}
	e.raw, err = json.Marshal(e)
	return e, err
}

func unseal(e entry, key []byte) (Credentials, bool) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil || len(e.Sealed) < aead.NonceSize() {
		return Credentials{}, false
	}
	header, err := authenticated(e.Header)
	if err != nil {
		return Credentials{}, false
	}
	text, err := aead.Open(nil, e.Sealed[:aead.NonceSize()], e.Sealed[aead.NonceSize():], header)
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
