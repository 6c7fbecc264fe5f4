package keystore

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// The sealed file, version 1, is a line of JSON, the header, and after the
// newline the items: JSON sealed with XChaCha20-Poly1305 under a random data
// key, with the header as additional data; its 24 random bytes of nonce come
// first. The header holds the data key, sealed in the same way under what
// argon2id makes of the passphrase, with the rest of the header as additional
// data.
const (
	version   = 1
	kdfName   = "argon2id"
	keySize   = chacha20poly1305.KeySize
	nonceSize = chacha20poly1305.NonceSizeX
	overhead  = nonceSize + chacha20poly1305.Overhead
	saltSize  = 16
	idSize    = 16
	maxHeader = 1024
)

// header is the first line of a sealed file. It has one spelling: the one
// that line writes.
type header struct {
	V    int    `json:"v"`
	KDF  string `json:"kdf"`
	T    uint32 `json:"t"` // passes
	M    uint32 `json:"m"` // memory in KiB
	P    uint8  `json:"p"` // lanes
	Salt []byte `json:"salt"`
	// ID names the data key without telling it: whether a key from a cache
	// belongs to this file is then no guess.
	ID      []byte `json:"id"`
	Wrapped []byte `json:"wrapped,omitempty"`
}

// newHeader returns a header with the second recommendation of RFC 9106, for
// a data key and a passphrase to come.
func newHeader(dataKey []byte) header {
	return header{V: version, KDF: kdfName, T: 3, M: 64 << 10, P: 4, Salt: randomBytes(saltSize), ID: keyID(dataKey)}
}

// check bounds what a header may ask for: a hostile one is no memory bomb.
func (h header) check() error {
	switch {
	case h.KDF != kdfName:
		return fmt.Errorf("key derivation %q is unknown", h.KDF)
	case h.T < 1 || h.T > 16:
		return fmt.Errorf("t=%d is not within 1 and 16", h.T)
	case h.M < 8<<10 || h.M > 1<<20:
		return fmt.Errorf("m=%d is not within 8192 and 1048576", h.M)
	case h.P < 1 || h.P > 16:
		return fmt.Errorf("p=%d is not within 1 and 16", h.P)
	case len(h.Salt) != saltSize, len(h.ID) != idSize, len(h.Wrapped) != keySize+overhead:
		return fmt.Errorf("a field of the header has the wrong length")
	}
	return nil
}

func (h header) line() []byte {
	line, err := json.Marshal(h)
	if err != nil {
		panic(err) // numbers, strings and bytes
	}
	return line
}

// derive returns the key that the passphrase gives under h.
func (h header) derive(passphrase []byte) []byte {
	makeRoom(int(h.M)<<10 + 2<<20) // and one huge page more, as the range may not begin with one
	return argon2.IDKey(passphrase, h.Salt, h.T, h.M, h.P, keySize)
}

// wrap puts dataKey into the header, sealed under kek.
func (h header) wrap(kek, dataKey []byte) header {
	h.Wrapped = nil
	h.Wrapped = seal(kek, dataKey, h.line())
	return h
}

// unwrap returns the data key, if kek opens it.
func (h header) unwrap(kek []byte) ([]byte, bool) {
	wrapped := h.Wrapped
	h.Wrapped = nil
	key, err := open(kek, wrapped, h.line())
	return key, err == nil
}

// owns reports whether dataKey is the one that the header wraps.
func (h header) owns(dataKey []byte) bool { return bytes.Equal(h.ID, keyID(dataKey)) }

// items are the secrets of a store.
type items map[string][]byte

func (m items) wipe() {
	for _, v := range m {
		clear(v)
	}
}

// encode returns a sealed file of header and items.
func encode(h header, dataKey []byte, m items) ([]byte, error) {
	plain, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	line := h.line()
	return append(append(bytes.Clone(line), '\n'), seal(dataKey, plain, line)...), nil
}

// sealed is a file that has been read and not been opened.
type sealed struct {
	header
	first []byte // the header as it stands
	body  []byte
}

// decode takes a file apart. The error is ErrCorrupt or ErrVersion.
func decode(data []byte) (sealed, error) {
	first, body, ok := bytes.Cut(data, []byte{'\n'})
	if !ok || len(first) > maxHeader {
		return sealed{}, fmt.Errorf("%w: no header", ErrCorrupt)
	}
	var v struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(first, &v); err != nil || v.V < version {
		return sealed{}, fmt.Errorf("%w: no header", ErrCorrupt)
	}
	if v.V > version {
		return sealed{}, fmt.Errorf("%w: version %d", ErrVersion, v.V)
	}
	s := sealed{first: first, body: body}
	if err := json.Unmarshal(first, &s.header); err != nil {
		return sealed{}, fmt.Errorf("%w: header does not parse", ErrCorrupt)
	}
	if err := s.check(); err != nil {
		return sealed{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if !bytes.Equal(s.line(), first) {
		return sealed{}, fmt.Errorf("%w: header is not as it was written", ErrCorrupt)
	}
	if len(body) < overhead {
		return sealed{}, fmt.Errorf("%w: too short", ErrCorrupt)
	}
	return s, nil
}

// open returns the items. The error is ErrCorrupt.
func (s sealed) open(dataKey []byte) (items, error) {
	plain, err := open(dataKey, s.body, s.first)
	if err != nil {
		return nil, fmt.Errorf("%w: the items do not open", ErrCorrupt)
	}
	defer clear(plain)
	m := items{}
	if err := json.Unmarshal(plain, &m); err != nil || m == nil {
		return nil, fmt.Errorf("%w: the items do not parse", ErrCorrupt)
	}
	return m, nil
}

func seal(key, plain, additional []byte) []byte {
	nonce := randomBytes(nonceSize)
	out := make([]byte, 0, len(plain)+overhead)
	return aead(key).Seal(append(out, nonce...), nonce, plain, additional)
}

func open(key, data, additional []byte) ([]byte, error) {
	if len(key) != keySize || len(data) < overhead {
		return nil, ErrCorrupt
	}
	return aead(key).Open(nil, data[:nonceSize], data[nonceSize:], additional)
}

func aead(key []byte) cipher.AEAD {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // the length is ours
	}
	return a
}

// keyID returns a name for key that tells nothing about it.
func keyID(key []byte) []byte {
	h := sha256.New()
	h.Write([]byte("vault data key 1\x00"))
	h.Write(key)
	return h.Sum(nil)[:idSize]
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it crashes the program instead
	return b
}
