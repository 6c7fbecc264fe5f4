package ststest

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
)

// kind says where a credential comes from; what it may call depends on that.
type kind int

const (
	longTerm    kind = iota // a user's own key
	userSession             // GetSessionToken
	roleSession             // AssumeRole
	federated               // GetFederationToken
)

// A credential is an access key, a user's own or a session's.
type credential struct {
	kind               kind
	id, secret         string
	account, partition string
	arn, userID        string // as GetCallerIdentity answers
	user               *User  // of longTerm, userSession and federated
	role               *Role  // of roleSession
	active             bool

	// What follows belongs to access keys only.
	created         time.Time
	number          int       // in the order in which they were made
	lag             int       // calls signed by it that AWS does not know it for yet
	used            time.Time // last
	usedFor, usedIn string

	// What follows belongs to sessions only.
	token   string
	expires time.Time
	// mfa is when the MFA code was given, zero where there was none. Only
	// userSession has it: "The temporary credentials returned by AssumeRole
	// do not include MFA information in the context" (IAM User Guide, Secure
	// API access with MFA).
	mfa            time.Time
	chained        bool // a role assumed from another
	sourceIdentity string
	transitive     map[string]string // tags that later sessions inherit, by lower-case key
	policyARNs     []string          // of the policies that narrow it
}

// issue gives a session its keys and remembers it. The expiry is asked from
// now, unless SetLife says otherwise, in whole seconds, as it is answered.
// The server's mu must be held.
func (s *Server) issue(session credential, now time.Time, asked time.Duration, token string) *credential {
	if s.life > 0 {
		asked = s.life
	}
	session.id = "ASIA" + randomID(16)
	session.secret = randomSecret()
	session.token = token
	session.expires = now.Add(asked).UTC().Truncate(time.Second)
	session.active = true
	s.keys[session.id] = &session
	return &session
}

// The sizes of session tokens in bytes. maxPacked is what remains for session
// policies and tags in the longest one.
const (
	maxToken    = 4096
	tokenPrefix = "IQoJb3JpZ2luX2Vj"
	minOwn      = 301 // of a token's own content
	maxOwn      = 598
	maxPacked   = (maxToken-len(tokenPrefix))/4*3 - 2 - maxOwn
)

// newToken returns a session token of the looks and length of AWS's, with
// every character of base64 that quoting could get wrong. It has room for the
// packed policies and tags, and is not shorter than least.
func newToken(packed, least int) string {
	n := minOwn + int(binary.BigEndian.Uint16(randomBytes(2)))%(maxOwn-minOwn) + packed
	n = max(n, (least-len(tokenPrefix)+3)/4*3-2)
	n += (4 - n%3) % 3 // one more than a multiple of 3: padded with ==
	for {
		token := tokenPrefix + base64.StdEncoding.EncodeToString(randomBytes(n))
		if strings.Contains(token, "+") && strings.Contains(token, "/") {
			return token
		}
	}
}

// Revoke makes an access key or session unknown to AWS from now on:
// InvalidClientTokenId. It reports whether there was such a key.
func (s *Server) Revoke(accessKeyID string) bool {
	return s.change(accessKeyID, func(*credential) { delete(s.keys, accessKeyID) })
}

// DeactivateKey makes an access key inactive: InvalidClientTokenId. Sessions
// made with it live on. It reports whether there is such a key.
func (s *Server) DeactivateKey(accessKeyID string) bool {
	return s.change(accessKeyID, func(key *credential) { key.active = false })
}

// ActivateKey undoes DeactivateKey.
func (s *Server) ActivateKey(accessKeyID string) bool {
	return s.change(accessKeyID, func(key *credential) { key.active = true })
}

// Expire ends a session before its time: ExpiredToken. It reports whether
// there is such a session.
func (s *Server) Expire(accessKeyID string) bool {
	now := s.Now()
	isSession := false
	s.change(accessKeyID, func(key *credential) {
		if isSession = key.kind != longTerm; isSession {
			key.expires = now
		}
	})
	return isSession
}

// change applies f to the credential with the id, and reports whether there
// is one.
func (s *Server) change(accessKeyID string, f func(*credential)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.keys[accessKeyID]
	if ok {
		f(key)
	}
	return ok
}
