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
	"unicode"

	"github.com/shellvault/vault/sts"
)

// Names of our own variables. VAULT_* belongs to HashiCorp's Vault.
const (
	stateVariable = "__VAULT_STATE" // exported: the state of the switch, without secrets
	lastVariable  = "__VAULT_LAST"  // the state before the last switch, of the shell function
	savedVariable = "__VAULT_SAVED" // unexported: what variables were before
	wordVariable  = "__VAULT_WORD"  // of the shell function to this process: App.word
)

// A state describes the switch that a shell is in: enough to renew it, to go
// back, and to undo it. It holds no secret, so that child shells inherit it.
//
// Its first fields stand in clear, for the shell to read without a process:
// VERSION|EXPIRES|DUE|LEAST|END|KEY|HASH|STYLE|PROFILE|LABEL|REST. Times are
// Unix seconds, 0 for none. LABEL alone may contain the separator.
type state struct {
	Profile string
	Key     string // the access key id that was exported
	Expires time.Time
	Due     time.Time // when the credentials are to be renewed
	Least   time.Time // from then on they are not handed out if they can be renewed
	End     time.Time // the deadline of --for or max_duration
	Hash    string    // of the plan; names the stamp
	Style   string    // of the segment while all is well: a colour or styleProtected; "": green
	Label   string    // the segment's text, with {left} and {region} to be filled in
	rest
}

type rest struct {
	ID     string             `json:"id"` // of the shell's saved variables
	Flags  switchFlags        `json:"f"`
	Issued int64              `json:"i,omitempty"`
	Of     string             `json:"a,omitempty"` // the account, as a person calls it
	Icon   string             `json:"c,omitempty"`
	Set    map[string]string  `json:"s"` // what we exported: name to digest of the value
	Was    map[string]*string `json:"w"` // what was exported before: the value, null for a secret
	Prev   *previous          `json:"p,omitempty"`
	Server string             `json:"v,omitempty"` // the id of the server that has the credentials

	Confirmed int64 `json:"g,omitempty"` // when a person did, where one has to; max_duration counts from then
	ForEnd    int64 `json:"u,omitempty"` // the deadline of --for
	Back      bool  `json:"b,omitempty"` // at the deadline the shell goes back to Prev

	Inside *inside `json:"d,omitempty"` // the folder that the switch belongs to, or was made in
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
	ReadOnly  bool          `json:"o,omitempty"`
	Dynamic   bool          `json:"y,omitempty"` // programs get the credentials by a config of ours
	Serve     bool          `json:"s,omitempty"` // the credentials are served, and not exported
	For       time.Duration `json:"e,omitempty"` // after which the switch ends by itself
}

const (
	stateVersion   = "2"
	stateSeparator = "|"
	styleProtected = "protected"
)

func (s *state) String() string {
	data, err := json.Marshal(s.rest)
	if err != nil {
		panic(err) // strings and numbers
	}
	fields := []string{stateVersion}
	for _, t := range []time.Time{s.Expires, s.Due, s.Least, s.End} {
		fields = append(fields, strconv.FormatInt(unixOr0(t), 10))
	}
	fields = append(fields, s.Key, s.Hash, s.Style, s.Profile, s.Label, base64.RawURLEncoding.EncodeToString(data))
	return strings.Join(fields, stateSeparator)
}

// unixOr0 returns t in Unix seconds, 0 for the zero time.
func unixOr0(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// parseState reads a state; ok is false for what is not one of this version.
func parseState(text string) (s *state, ok bool) {
	f := strings.SplitN(text, stateSeparator, 10)
	if len(f) < 10 || f[0] != stateVersion || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, false
	}
	i := strings.LastIndex(f[9], stateSeparator)
	if i < 0 {
		return nil, false
	}
	data, err := base64.RawURLEncoding.DecodeString(f[9][i+1:])
	if err != nil {
		return nil, false
	}
	s = &state{Key: f[5], Hash: f[6], Style: f[7], Profile: f[8], Label: f[9][:i]}
	for i, t := range []*time.Time{&s.Expires, &s.Due, &s.Least, &s.End} {
		if *t, ok = unixTime(f[i+1]); !ok {
			return nil, false
		}
	}
	if json.Unmarshal(data, &s.rest) != nil || s.ID == "" || strings.ContainsAny(s.ID, " \n") || s.Profile == "" || !isHash(s.Hash) {
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
	return s, true
}

// unixTime reads Unix seconds, as many digits as the shells reckon with; 0 is
// the zero time.
func unixTime(text string) (t time.Time, ok bool) {
	seconds, err := strconv.ParseUint(text, 10, 63)
	if err != nil || len(text) > 12 {
		return time.Time{}, false
	}
	if seconds == 0 {
		return time.Time{}, true
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}

// isHash reports whether s is a plan's hash, which can name a file.
func isHash(s string) bool { return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" }

// checkProfileName refuses what cannot stand in a state.
func checkProfileName(name string) error {
	if strings.Contains(name, stateSeparator) || strings.ContainsFunc(name, unicode.IsControl) {
		return usageErrorf("profile %q: a name with %s or a control character cannot be shown in a prompt", name, stateSeparator)
	}
	return nil
}

// ended reports whether the deadline of the switch is over.
func (s *state) ended(now time.Time) bool { return !s.End.IsZero() && !now.Before(s.End) }

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
	variables := []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
	if s.Server != "" {
		variables = append(variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
	}
	if s.Flags.Dynamic {
		variables = append(append(variables, dynamicVariables...), "AWS_PROFILE")
	}
	for _, name := range variables {
		if !s.ours(app.Env, name) {
			return name
		}
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if app.Env[name] != "" && !(s.Flags.Dynamic && name == "AWS_PROFILE") {
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

// newState begins the state of a switch to t.
func (app *App) newState(r resolved, t target, o switchFlags) *state {
	minTTL, _ := app.least(sessionOptions{switchFlags: o}) // was good enough for the runner
	s := &state{Profile: t.profile, Key: t.creds.AccessKeyID, Expires: t.creds.Expires, Hash: r.plan.Hash(len(r.plan.Steps) - 1)}
	s.Flags, s.Of, s.Icon = o, t.accountName(), t.shown.Icon
	s.Flags.ReadOnly = t.readOnly
	s.Style, s.Label = t.shown.Color, label(t)
	if t.shown.Protected {
		s.Style = styleProtected
	}
	issued := t.creds.Issued
	if issued.IsZero() {
		issued = app.Now()
	} else {
		s.Issued = issued.Unix()
	}
	if !s.Expires.IsZero() {
		life := s.Expires.Sub(issued)
		// What the issuer does not give longer is not asked for again before
		// half of it is gone.
		s.Due = s.Expires.Add(-min(max(sts.RenewalWindow(life), minTTL), life/2))
		s.Least = s.Expires.Add(-min(max(sts.MinimumLife(life), minTTL), life/2))
	}
	s.bound(t)
	if t.served != nil {
		s.Server = t.served.ID
	}
	if t.served != nil || t.dynamic != nil {
		// They are renewed elsewhere, and the shell has nothing that ends.
		s.Key = ""
		s.Expires, s.Due, s.Least, s.Issued = time.Time{}, time.Time{}, time.Time{}, 0
	}
	return s
}
