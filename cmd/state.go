package cmd

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of our own variables. VAULT_* belongs to HashiCorp's Vault.
const (
	stateVariable = "__VAULT_STATE" // exported: the state of the switch, without secrets
	lastVariable  = "__VAULT_LAST"  // the state before the last switch, of the shell function
	savedVariable = "__VAULT_SAVED" // unexported: what variables were before
)

// A state describes the switch that a shell is in: enough to renew it, to go
// back, and to undo it. It holds no secret, so that child shells inherit it.
//
// Its first fields stand in clear, for the prompt segment to read without a
// process: VERSION:EXPIRES:KEY:COLOR:PROFILE:REST, expiry in Unix seconds (0: never).
type state struct {
	Profile string
	Key     string // the access key id that was exported
	Expires time.Time
	Color   string // of the segment while all is well; "": green
	rest
}

type rest struct {
	ID     string             `json:"id"` // of the shell's saved variables
	Flags  switchFlags        `json:"f"`
	Plan   string             `json:"h"` // hash of the plan
	Issued int64              `json:"i,omitempty"`
	Set    map[string]string  `json:"s"` // what we exported: name to digest of the value
	Was    map[string]*string `json:"w"` // what was exported before: the value, null for a secret
	Prev   *previous          `json:"p,omitempty"`
}

// previous is the switch that "use -" goes back to.
type previous struct {
	Profile string      `json:"n"`
	Flags   switchFlags `json:"f"`
}

// switchFlags are the flags of use that renewal and "use -" repeat.
type switchFlags struct {
	Region    string        `json:"r,omitempty"`
	Duration  time.Duration `json:"d,omitempty"`
	MinTTL    time.Duration `json:"m,omitempty"`
	NoSession bool          `json:"n,omitempty"`
}

const stateVersion = "1"

func (s *state) String() string {
	data, err := json.Marshal(s.rest)
	if err != nil {
		panic(err) // strings and numbers
	}
	expires := int64(0)
	if !s.Expires.IsZero() {
		expires = s.Expires.Unix()
	}
	return strings.Join([]string{stateVersion, strconv.FormatInt(expires, 10), s.Key, s.Color, s.Profile,
		base64.RawURLEncoding.EncodeToString(data)}, ":")
}

// parseState reads a state; ok is false for what is not one of this version.
func parseState(text string) (s *state, ok bool) {
	version, text, _ := strings.Cut(text, ":")
	expires, text, _ := strings.Cut(text, ":")
	key, text, _ := strings.Cut(text, ":")
	color, text, _ := strings.Cut(text, ":")
	i := strings.LastIndexByte(text, ':')
	if version != stateVersion || i < 0 {
		return nil, false
	}
	data, err := base64.RawURLEncoding.DecodeString(text[i+1:])
	if err != nil {
		return nil, false
	}
	s = &state{Profile: text[:i], Key: key, Color: color}
	seconds, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || json.Unmarshal(data, &s.rest) != nil || s.ID == "" || strings.ContainsAny(s.ID, " \n") || s.Profile == "" {
		return nil, false
	}
	// It comes from the environment: it names only what a switch may touch.
	for name := range s.Set {
		if !switchable(name) {
			return nil, false
		}
	}
	for name := range s.Was {
		if !switchable(name) {
			return nil, false
		}
	}
	if seconds != 0 {
		s.Expires = time.Unix(seconds, 0).UTC()
	}
	return s, true
}

// switchable reports whether a switch may touch a variable.
func switchable(name string) bool {
	return variableName(name) && (strings.HasPrefix(name, "AWS_") || slices.Contains(conflicting, name))
}

// current returns the state of the shell that called, nil if it is in none.
func (app *App) current() *state {
	s, ok := parseState(app.Env[stateVariable])
	if !ok {
		return nil
	}
	return s
}

// foreign says what in the environment is no longer as the switch left it, so
// that the account in use may be another one; "" if nothing.
func (app *App) foreign(s *state) string {
	if v := app.Env["AWS_VAULT"]; v != s.Profile {
		return "AWS_VAULT"
	}
	if app.Env["AWS_ACCESS_KEY_ID"] != s.Key {
		return "AWS_ACCESS_KEY_ID"
	}
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if !s.ours(app.Env, name) {
			return name
		}
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if app.Env[name] != "" {
			return name
		}
	}
	return ""
}

// ours reports whether a variable still is as the switch left it.
func (s *state) ours(env map[string]string, name string) bool {
	value, exported := env[name]
	sum, set := s.Set[name]
	if !set {
		return !exported
	}
	return exported && digest(value) == sum
}

// digest tells values apart without holding them.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func newID() string {
	return strings.ToLower(rand.Text()[:10])
}
