package secretservice

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"
)

// The encrypted session of the Secret Service specification, section
// "Algorithms": Diffie-Hellman in the second Oakley group of RFC 2409, section
// 6.2; HKDF-SHA256 without salt and info; AES-128 in CBC mode with the padding
// of PKCS #7.
const algorithmDH = "dh-ietf1024-sha256-aes128-cbc-pkcs7"

const (
	groupSize    = 128 // bytes of the prime
	exponentSize = 32  // twice what breaking a group of this size takes, and four times quicker than a full one
)

var errPublicKey = errors.New("its public key is none")

var (
	one       = big.NewInt(1)
	generator = big.NewInt(2)
)

// prime returns that of the group: 2^1024 - 2^960 - 1 + 2^64 * ([2^894 pi] + 129093).
func prime() *big.Int {
	return new(big.Int).SetBytes([]byte("" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\xc9\x0f\xda\xa2\x21\x68\xc2\x34\xc4\xc6\x62\x8b\x80\xdc\x1c\xd1" +
		"\x29\x02\x4e\x08\x8a\x67\xcc\x74\x02\x0b\xbe\xa6\x3b\x13\x9b\x22\x51\x4a\x08\x79\x8e\x34\x04\xdd" +
		"\xef\x95\x19\xb3\xcd\x3a\x43\x1b\x30\x2b\x0a\x6d\xf2\x5f\x14\x37\x4f\xe1\x35\x6d\x6d\x51\xc2\x45" +
		"\xe4\x85\xb5\x76\x62\x5e\x7e\xc6\xf4\x4c\x42\xe9\xa6\x37\xed\x6b\x0b\xff\x5c\xb6\xf4\x06\xb7\xed" +
		"\xee\x38\x6b\xfb\x5a\x89\x9f\xa5\xae\x9f\x24\x11\x7c\x4b\x1f\xe6\x49\x28\x66\x51\xec\xe6\x53\x81" +
		"\xff\xff\xff\xff\xff\xff\xff\xff"))
}

// A keyPair is good for one session.
type keyPair struct {
	prime, private *big.Int
	public         []byte
}

func newKeyPair() keyPair {
	exponent := make([]byte, exponentSize)
	_, _ = rand.Read(exponent) // never fails: it crashes the program instead
	exponent[0] |= 0x80        // as long as it is meant to be, and never 0
	defer clear(exponent)
	k := keyPair{prime: prime(), private: new(big.Int).SetBytes(exponent)}
	k.public = new(big.Int).Exp(generator, k.private, k.prime).FillBytes(make([]byte, groupSize))
	return k
}

// sessionKey returns the key that k and the public key of the other side give.
// Short says that their secret begins with a zero, as one in 256 does: the
// other side may then have another key, because not all programs keep it.
func (k keyPair) sessionKey(other []byte) (key []byte, short bool, err error) {
	y := new(big.Int).SetBytes(other)
	// 0, 1 and p-1 would give a secret that anybody knows.
	if y.Cmp(one) <= 0 || y.Cmp(new(big.Int).Sub(k.prime, one)) >= 0 {
		return nil, false, errPublicKey
	}
	shared := new(big.Int).Exp(y, k.private, k.prime).FillBytes(make([]byte, groupSize))
	defer clear(shared)
	key, err = hkdf.Key(sha256.New, shared, nil, "", aes.BlockSize)
	return key, shared[0] == 0, err
}

var errDecrypt = errors.New("the secret does not decrypt")

// encrypt returns plain under key, and the random iv.
func encrypt(key, plain []byte) (iv, sealed []byte, err error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	sealed = make([]byte, len(plain)+n)
	copy(sealed, plain)
	for i := len(plain); i < len(sealed); i++ {
		sealed[i] = byte(n)
	}
	iv = make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	return iv, sealed, nil
}

// decrypt is the reverse of encrypt. What it cannot decrypt is errDecrypt,
// and never an empty secret.
func decrypt(key, iv, sealed []byte) ([]byte, error) {
	if len(iv) != aes.BlockSize || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, errDecrypt
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, sealed)
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, errDecrypt
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, errDecrypt
		}
	}
	return plain[:len(plain)-n], nil
}
