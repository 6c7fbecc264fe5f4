package foreign

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/shellvault/vault/keystore"
)

// The one pair of algorithms that the keyring library writes (RFC 7518,
// sections 4.8 and 5.3).
const (
	jweAlgorithm  = "PBES2-HS256+A128KW"
	jweEncryption = "A256GCM"
)

// mostIterations bounds the work that a file can demand; the library writes
// 8192.
const mostIterations = 1_000_000

// A sealed is a JWE in its compact form, split and checked as far as that
// takes no passphrase (RFC 7516, section 7.1).
type sealed struct {
	protected              []byte // header as it stands: the AEAD authenticates it
	salt                   []byte
	iterations             int
	key, nonce, text, seal []byte
}

// parseSealed returns the parts of a file, or ErrCorrupt.
func parseSealed(data []byte) (sealed, error) {
	parts := bytes.Split(bytes.TrimSpace(data), []byte("."))
	if len(parts) != 5 {
		return sealed{}, notSealed("it is no JWE")
	}
	raw := make([][]byte, len(parts))
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().AppendDecode(nil, p); err != nil {
			return sealed{}, notSealed("it is no JWE")
		}
	}
	var header struct {
		Alg, Enc, P2s, Zip string
		P2c                int
		Crit               []string
	}
	if json.Unmarshal(raw[0], &header) != nil {
		return sealed{}, notSealed("its header is not JSON")
	}
	salt, err := base64.RawURLEncoding.DecodeString(header.P2s)
	switch {
	case header.Alg != jweAlgorithm || header.Enc != jweEncryption || header.Zip != "" || header.Crit != nil:
		return sealed{}, notSealed("it is sealed in another way than " + jweAlgorithm + " with " + jweEncryption)
	case err != nil || len(salt) < 8 || len(salt) > 1024: // eight: RFC 7518, section 4.8.1.1
		return sealed{}, notSealed("its salt is not one")
	case header.P2c < 1 || header.P2c > mostIterations:
		return sealed{}, notSealed(fmt.Sprintf("it asks for %d iterations, of %d at most", header.P2c, mostIterations))
	case len(raw[1]) != 40 || len(raw[2]) != 12 || len(raw[4]) != 16:
		return sealed{}, notSealed("its parts are not as long as they have to be")
	}
	return sealed{parts[0], salt, header.P2c, raw[1], raw[2], raw[3], raw[4]}, nil
}

func notSealed(why string) error { return fmt.Errorf("%w: %s", ErrForm, why) }

// open returns the plain text, which the caller clears. ErrPassphrase is
// another passphrase, ErrCorrupt a file that was changed.
func (s sealed) open(passphrase keystore.Secret) ([]byte, error) {
	salt := slices.Concat([]byte(jweAlgorithm+"\x00"), s.salt) // RFC 7518, section 4.8.1.1
	kek, err := pbkdf2.Key(sha256.New, passphrase.Reveal(), salt, s.iterations, 16)
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	cek, err := unwrapKey(kek, s.key)
	if err != nil {
		return nil, keystore.ErrPassphrase
	}
	defer clear(cek)
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, s.nonce, slices.Concat(s.text, s.seal), s.protected)
	if err != nil {
		return nil, notSealed("it was changed")
	}
	return plain, nil
}

var errUnwrap = errors.New("the key does not unwrap")

// unwrapKey is AES key unwrap (RFC 3394, section 2.2.2).
func unwrapKey(kek, wrapped []byte) ([]byte, error) {
	n := len(wrapped)/8 - 1
	if n < 2 || len(wrapped)%8 != 0 {
		return nil, errUnwrap
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	var b [16]byte // A and one of R
	key := bytes.Clone(wrapped[8:])
	copy(b[:8], wrapped)
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			t := binary.BigEndian.Uint64(b[:8]) ^ uint64(n*j+i)
			binary.BigEndian.PutUint64(b[:8], t)
			copy(b[8:], key[8*(i-1):])
			block.Decrypt(b[:], b[:])
			copy(key[8*(i-1):8*i], b[8:])
		}
	}
	initial := bytes.Repeat([]byte{0xa6}, 8)
	if subtle.ConstantTimeCompare(b[:8], initial) != 1 {
		clear(key)
		return nil, errUnwrap
	}
	return key, nil
}
