// Package sso signs a person in to IAM Identity Center, keeps the tokens that
// this gives, and gets credentials of roles with them.
//
// It knows nothing of terminals and browsers, nor of the names of variables:
// where to ask and how to show an address comes from its caller.
package sso

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

// A Session is one Identity Center as a person is signed in to it.
type Session struct {
	Name     string // of the sso-session section, "" in the older form
	StartURL string
	Region   string
	Scopes   []string
}

// DefaultScope is what is asked for where a session names nothing (AWS CLI
// User Guide, "sso_registration_scopes").
const DefaultScope = "sso:account:access"

// SessionOf returns the session that a profile's settings name.
func SessionOf(c *config.SSO) Session {
	s := Session{Name: c.Session, StartURL: c.StartURL, Region: c.Region}
	for scope := range strings.SplitSeq(c.Scopes, ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			s.Scopes = append(s.Scopes, scope)
		}
	}
	if len(s.Scopes) == 0 {
		s.Scopes = []string{DefaultScope}
	}
	return s
}

// String is what a person calls the session.
func (s Session) String() string {
	if s.Name != "" {
		return s.Name
	}
	return s.StartURL
}

// ID names the session in files and locks: the same for all ways to write its
// start URL.
func (s Session) ID() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{s.Name, Normal(s.StartURL), s.Region}, "\n")))
	return hex.EncodeToString(sum[:16])
}

// Normal returns a start URL in one spelling: people write it with and without
// the slash or the "/#/" that a browser shows behind it.
func Normal(startURL string) string {
	url := strings.TrimRight(startURL, "/#")
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	host, path, _ := strings.Cut(rest, "/")
	url = strings.ToLower(scheme) + "://" + strings.ToLower(host)
	if path != "" {
		url += "/" + path
	}
	return url
}

// A Token is what a sign-in gives.
type Token struct {
	Access  keystore.Secret
	Expires time.Time // of Access
	Refresh keystore.Secret
	Client  Registration
}

// A Registration is this program as Identity Center knows it.
type Registration struct {
	ID      string
	Secret  keystore.Secret
	Expires time.Time
	Flow    Flow     // that it may use
	Scopes  []string // that it may ask for
}

// A Flow is a way to sign in.
type Flow string

// The flows: a browser on this machine that comes back to it (RFC 7636), or
// one anywhere, in which a code is typed (RFC 8628).
const (
	PKCE   Flow = "pkce"
	Device Flow = "device"
)

// The life that tokens must have left.
const (
	// RefreshBefore is how long before its end a token is renewed.
	RefreshBefore = 5 * time.Minute
	// leastToken is what a token must have left that cannot be renewed.
	leastToken = 30 * time.Second
)

// fresh reports whether the access token needs no renewal.
func (t Token) fresh(now time.Time) bool {
	return !t.Access.IsZero() && t.Expires.Sub(now) > RefreshBefore
}

// usable reports whether the access token may still be shown.
func (t Token) usable(now time.Time) bool {
	return !t.Access.IsZero() && t.Expires.Sub(now) > leastToken
}

// refreshable reports whether another access token can be had without a
// person.
func (t Token) refreshable(now time.Time) bool {
	return !t.Refresh.IsZero() && t.Client.alive(now)
}

func (r Registration) alive(now time.Time) bool {
	return r.ID != "" && r.Expires.Sub(now) > time.Minute
}

// An Info says of a token what can be known without reading it.
type Info struct {
	Expires     time.Time
	Refreshable bool      // another one can be had without a person
	ClientEnds  time.Time // and until when
}

// Asks reports whether a person would be asked to sign in.
func (i Info) Asks(now time.Time) bool {
	return !(i.Refreshable && i.ClientEnds.After(now)) && i.Expires.Sub(now) <= leastToken
}

// A SignInError reports that a person has to sign in, and could not be asked
// or did not.
type SignInError struct {
	Session Session
	Why     string
	Err     error
}

func (e *SignInError) Error() string {
	return fmt.Sprintf("Identity Center %q: %s", e.Session, e.Why)
}

func (e *SignInError) Unwrap() error { return e.Err }
