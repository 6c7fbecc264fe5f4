package ststest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// loginClient is the public client of "aws login" on the same machine.
const loginClient = "arn:aws:signin:::devtools/same-device"

// A signedIn is a sign-in by "aws login": the refresh token is good only with
// proofs of the key.
type signedIn struct {
	user  *User
	key   *ecdsa.PublicKey
	proof map[string]bool // that were used
	token string          // the refresh token that is good
}

// Login signs the user in as "aws login" does, and returns the file that this
// leaves, whose credentials last for life; what a renewal gives lasts 15
// minutes.
func (u *User) Login(life time.Duration) []byte {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("ststest: key: %v", err))
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		panic(fmt.Sprintf("ststest: key: %v", err))
	}
	s := u.server
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &signedIn{user: u, key: &private.PublicKey, proof: make(map[string]bool), token: "refresh-" + randomSecret()}
	s.logins[in.token] = in
	keys := in.keys(s, now, life)
	keys["accountId"], keys["expiresAt"] = u.account, now.Add(life).UTC().Format(time.RFC3339)
	text, err := json.Marshal(map[string]any{
		"accessToken": keys, "tokenType": "aws_sigv4", "refreshToken": in.token, "idToken": "id-" + randomID(10), "clientId": loginClient,
		"dpopKey": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		panic(fmt.Sprintf("ststest: sign-in: %v", err))
	}
	return text
}

func (in *signedIn) keys(s *Server, now time.Time, life time.Duration) map[string]string {
	u := in.user
	c := s.issue(credential{kind: userSession, account: u.account, partition: u.partition, arn: u.arn, userID: u.uid, user: u}, now, life, newToken(0, 0))
	return map[string]string{"accessKeyId": c.id, "secretAccessKey": c.secret, "sessionToken": c.token}
}

// EndLogins ends all sign-ins by "aws login", for a reason of AWS's:
// TOKEN_EXPIRED and others.
func (s *Server) EndLogins(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loginsEnded = reason
}

// createOAuth2Token is CreateOAuth2Token of AWS Sign-In, for a refresh token.
func (s *Server) createOAuth2Token(c *call) (any, *apiError) {
	var in struct{ ClientID, GrantType, RefreshToken string }
	_ = json.Unmarshal(c.body, &in) // what is missing is refused below
	refuse := func(status int, why string) (any, *apiError) { return nil, &apiError{status, why, "refused"} }
	sign, ok := s.logins[in.RefreshToken]
	switch {
	case in.ClientID != loginClient || in.GrantType != "refresh_token":
		return nil, &apiError{http.StatusBadRequest, "ValidationException", "clientId or grantType is wrong"}
	case s.loginsEnded != "":
		return refuse(http.StatusForbidden, s.loginsEnded)
	case !ok || sign.token != in.RefreshToken:
		return refuse(http.StatusUnauthorized, "TOKEN_EXPIRED")
	}
	if why := sign.check(c.request.Header.Get("DPoP"), s.url+c.request.URL.Path, c.arrived); why != "" {
		return nil, &apiError{http.StatusBadRequest, "ValidationException", "DPoP: " + why}
	}
	const life = 15 * time.Minute
	sign.token = "refresh-" + randomSecret()
	s.logins[sign.token] = sign
	return map[string]any{"accessToken": sign.keys(s, c.arrived, life), "tokenType": "aws_sigv4", "expiresIn": int(life / time.Second), "refreshToken": sign.token}, nil
}

// check says what is wrong with a proof (RFC 9449, section 4.3), "" if
// nothing.
func (in *signedIn) check(proof, address string, now time.Time) string {
	parts := strings.Split(proof, ".")
	if len(parts) != 3 {
		return "not a JWT"
	}
	var header struct {
		Typ, Alg string
		JWK      struct{ Kty, Crv, X, Y string }
	}
	var body struct {
		Htm, Htu, Jti string
		Iat           int64
	}
	decode := base64.RawURLEncoding.DecodeString
	head, err1 := decode(parts[0])
	claims, err2 := decode(parts[1])
	signature, err3 := decode(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || json.Unmarshal(head, &header) != nil || json.Unmarshal(claims, &body) != nil {
		return "cannot be read"
	}
	x, err1 := decode(header.JWK.X)
	y, err2 := decode(header.JWK.Y)
	point, err3 := in.key.Bytes()
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	off := now.Sub(time.Unix(body.Iat, 0))
	switch {
	case err1 != nil || err2 != nil || err3 != nil || "\x04"+string(x)+string(y) != string(point):
		return "another key"
	case header.Typ != "dpop+jwt" || header.Alg != "ES256" || header.JWK.Kty != "EC" || header.JWK.Crv != "P-256":
		return "typ, alg or kind of key"
	case len(signature) != 64 || !ecdsa.Verify(in.key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])):
		return "the signature does not match"
	case body.Htm != http.MethodPost || body.Htu != address:
		return "htm or htu: " + body.Htu
	case off.Abs() > 5*time.Minute:
		return "iat"
	case body.Jti == "" || in.proof[body.Jti]:
		return "jti was used"
	}
	in.proof[body.Jti] = true
	return ""
}
