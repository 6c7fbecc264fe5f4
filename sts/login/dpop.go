package login

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"time"
)

var errKey = errors.New("its dpopKey is not an EC private key on P-256")

// prove returns the proof that who sends a request has the private key of the
// sign-in (RFC 9449, section 4.2).
func prove(key, method, address string, now time.Time) (string, error) {
	private, err := parseKey(key)
	if err != nil {
		return "", err
	}
	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil || len(point) != 65 {
		return "", errKey
	}
	type jwk struct {
		Kind  string `json:"kty"`
		X     string `json:"x"`
		Y     string `json:"y"`
		Curve string `json:"crv"`
	}
	header, err := json.Marshal(struct {
		Type      string `json:"typ"`
		Algorithm string `json:"alg"`
		Key       jwk    `json:"jwk"`
	}{"dpop+jwt", "ES256", jwk{"EC", base64url(point[1:33]), base64url(point[33:]), "P-256"}})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(struct {
		Method string `json:"htm"`
		URL    string `json:"htu"`
		At     int64  `json:"iat"`
		ID     string `json:"jti"`
	}{method, address, now.Unix(), rand.Text()})
	if err != nil {
		return "", err
	}
	text := base64url(header) + "." + base64url(body)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		return "", err
	}
	// Both as 32 bytes (RFC 7518, section 3.4).
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64url(signature), nil
}

// parseKey reads a private key in PEM, in either of its forms.
func parseKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errKey
	}
	private, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errKey
		}
		private, _ = any.(*ecdsa.PrivateKey)
	}
	if private == nil || private.Curve != elliptic.P256() {
		return nil, errKey
	}
	return private, nil
}

func base64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
