package secretservice

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// oakley2 is the prime as RFC 2409, section 6.2 prints it.
const oakley2 = `
	FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1
	29024E08 8A67CC74 020BBEA6 3B139B22 514A0879 8E3404DD
	EF9519B3 CD3A431B 302B0A6D F25F1437 4FE1356D 6D51C245
	E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED
	EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE65381
	FFFFFFFF FFFFFFFF`

// A peer is the other side of a session, by other means than the code: the
// prime from its text, HKDF (RFC 5869) from HMAC.
type peer struct{ prime, private *big.Int }

func newPeer(t testing.TB, private int64) peer {
	t.Helper()
	prime, ok := new(big.Int).SetString(strings.Join(strings.Fields(oakley2), ""), 16)
	if !ok {
		t.Fatal("the prime does not parse")
	}
	return peer{prime, big.NewInt(private)}
}

func (p peer) public() []byte { return new(big.Int).Exp(big.NewInt(2), p.private, p.prime).Bytes() }

// key returns the key of the session, and whether the shared secret begins
// with a zero.
func (p peer) key(public []byte) (key []byte, short bool) {
	shared := new(big.Int).Exp(new(big.Int).SetBytes(public), p.private, p.prime).Bytes()
	padded := append(make([]byte, groupSize-len(shared)), shared...)
	extract := hmac.New(sha256.New, make([]byte, sha256.Size))
	extract.Write(padded)
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte{1})
	return expand.Sum(nil)[:16], len(shared) < groupSize
}

// Thousands of sessions: both sides have the same key each time, also when
// the shared secret or a public key begins with zeros, as one in 256 does.
func TestSessionKeys(t *testing.T) {
	const sessions = 3000
	shortSecrets, shortKeys := 0, 0
	other := newPeer(t, 1<<62+12345)
	public := other.public()
	for range sessions {
		pair := newKeyPair()
		if len(pair.public) != groupSize {
			t.Fatalf("a public key of %d bytes", len(pair.public))
		}
		got, gotShort, err := pair.sessionKey(public)
		if err != nil {
			t.Fatal(err)
		}
		want, short := other.key(pair.public)
		if !bytes.Equal(got, want) || gotShort != short {
			t.Fatalf("the two sides differ; short secret: %v, want %v", gotShort, short)
		}
		if short {
			shortSecrets++
		}
		if pair.public[0] == 0 {
			shortKeys++
		}
	}
	// Of 3000 none is short with a probability of 8e-6.
	if shortSecrets == 0 || shortKeys == 0 {
		t.Errorf("%d short secrets and %d short keys of %d: the case was not tested", shortSecrets, shortKeys, sessions)
	}
}

// A peer whose own public key is short, with or without its zeros.
func TestSessionKeyOfShortPublicKey(t *testing.T) {
	pair := newKeyPair()
	for private := int64(1); private < 900; private += 100 { // 2^private is below the prime
		other := newPeer(t, private)
		want, _ := other.key(pair.public)
		for _, public := range [][]byte{other.public(), append(make([]byte, 7), other.public()...)} {
			got, _, err := pair.sessionKey(public)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("2^%d in %d bytes: %x, %v, want %x", private, len(public), got, err, want)
			}
		}
	}
}

func TestPublicKeyOutOfRange(t *testing.T) {
	prime := newPeer(t, 1).prime
	offset := func(d int64) []byte { return new(big.Int).Add(prime, big.NewInt(d)).Bytes() }
	for name, public := range map[string][]byte{
		"none": nil, "0": {0}, "1": {1}, "1 with zeros": {0, 0, 1},
		"p-1": offset(-1), "p": offset(0), "p+1": offset(1), "longer": append([]byte{1}, offset(0)...),
	} {
		if key, _, err := newKeyPair().sessionKey(public); !errors.Is(err, errPublicKey) || key != nil {
			t.Errorf("%s: %x, %v, want %v", name, key, err, errPublicKey)
		}
	}
	for name, public := range map[string][]byte{"2": {2}, "p-2": offset(-2)} {
		if _, _, err := newKeyPair().sessionKey(public); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecryptBroken(t *testing.T) {
	key, iv := bytes.Repeat([]byte{7}, 16), bytes.Repeat([]byte{9}, 16)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(plain string) []byte {
		out := []byte(plain)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
		return out
	}
	fifteen := strings.Repeat("a", 15)
	tests := []struct {
		name       string
		iv, sealed []byte
		want       string
		bad        bool
	}{
		{name: "one byte of padding", iv: iv, sealed: seal(fifteen + "\x01"), want: fifteen},
		{name: "a block of padding", iv: iv, sealed: seal(strings.Repeat("\x10", 16)), want: ""},
		{name: "padding of 0", iv: iv, sealed: seal(fifteen + "\x00"), bad: true},
		{name: "padding of 17", iv: iv, sealed: seal(strings.Repeat("\x11", 32)), bad: true},
		{name: "padding of 255", iv: iv, sealed: seal(strings.Repeat("\xff", 16)), bad: true},
		{name: "uneven padding", iv: iv, sealed: seal(fifteen[:12] + "\x04\x03\x04\x04"), bad: true},
		{name: "nothing", iv: iv, sealed: nil, bad: true},
		{name: "half a block", iv: iv, sealed: make([]byte, 8), bad: true},
		{name: "a block and a half", iv: iv, sealed: make([]byte, 24), bad: true},
		{name: "no iv", iv: nil, sealed: seal(fifteen + "\x01"), bad: true},
		{name: "short iv", iv: iv[:8], sealed: seal(fifteen + "\x01"), bad: true},
	}
	for _, test := range tests {
		got, err := decrypt(key, test.iv, test.sealed)
		if (err != nil) != test.bad || string(got) != test.want || test.bad && (got != nil || !errors.Is(err, errDecrypt)) {
			t.Errorf("%s: %q, %v, want %q, error %v", test.name, got, err, test.want, test.bad)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	key := bytes.Repeat([]byte{7}, 16)
	for _, plain := range []string{"", "a", strings.Repeat("b", 16), strings.Repeat("c", 5000)} {
		iv, sealed, err := encrypt(key, []byte(plain))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(iv, sealed, []byte(plain))
	}
	f.Fuzz(func(t *testing.T, iv, sealed, plain []byte) {
		got, err := decrypt(key, iv, sealed)
		if err == nil {
			if n := len(sealed) - len(got); n < 1 || n > 16 {
				t.Errorf("%d bytes of padding", n)
			}
		} else if !errors.Is(err, errDecrypt) || got != nil {
			t.Errorf("%q, %v", got, err)
		}
		iv, sealed, err = encrypt(key, plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = decrypt(key, iv, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q came back as %q, %v", plain, got, err)
		}
	})
}
