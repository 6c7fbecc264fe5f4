package sts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shellvault/vault/config"
)

// An Action is what one step of a plan does.
type Action string

// The actions. The calls are those of the AWS STS API Reference.
const (
	StoredKeys         Action = "StoredKeys"         // long-lived keys from the keystore
	StaticKeys         Action = "StaticKeys"         // keys in clear in the shared files
	CredentialProcess  Action = "CredentialProcess"  // what a program of the user's prints
	CredentialSource   Action = "CredentialSource"   // what the environment or the machine gives
	LoginSession       Action = "LoginSession"       // what "aws login" left
	SSORoleCredentials Action = "SSORoleCredentials" // IAM Identity Center Portal API Reference, GetRoleCredentials

	GetSessionToken           Action = "GetSessionToken"
	AssumeRole                Action = "AssumeRole"
	AssumeRoleWithWebIdentity Action = "AssumeRoleWithWebIdentity"
	GetFederationToken        Action = "GetFederationToken"
)

// cached reports whether what a step of this action gives is kept in the
// session cache.
func (a Action) cached() bool {
	switch a {
	case GetSessionToken, GetFederationToken, AssumeRole, AssumeRoleWithWebIdentity, SSORoleCredentials:
		return true
	}
	return false
}

// A Tag is a session tag.
type Tag struct{ Key, Value string }

// A Step is one step from a profile to credentials; each takes the credentials
// of the step before it.
type Step struct {
	Action  Action
	Profile string // the profile whose settings the step comes from

	AccessKeyID       string // of StoredKeys and StaticKeys
	Command           string `json:",omitempty"` // of CredentialProcess, or that prints a web identity's token
	TokenFile         string `json:",omitempty"` // of a web identity
	Source            string `json:",omitempty"` // of CredentialSource: one of its names
	Login             string `json:",omitempty"` // of LoginSession: the ARN of who signed in
	SSOSession        string `json:",omitempty"` // the section's name, "" in the older form
	SSOStartURL       string `json:",omitempty"`
	SSOAccount        string `json:",omitempty"`
	SSORole           string `json:",omitempty"`
	MFASerial         string
	RoleARN           string
	ExternalID        string
	SessionName       string
	SourceIdentity    string
	Tags              []Tag
	TransitiveTagKeys []string
	PolicyARNs        []string `json:",omitempty"` // policies that narrow what the role may do
	Duration          time.Duration
	Endpoint          string // URL, where one is configured

	Asked  bool   `json:"-"` // the duration is the user's own, not a default
	Region string // of the endpoint of STS, where any region's gives the same session, or of Identity Center
	Reason string // why the step is as it is, for a person
}

// A Plan is the way from a profile to credentials, decided and not yet gone.
type Plan struct {
	Profile string
	Region  string // the profile's own, "" if it has none
	Pin     Pin
	Steps   []Step
	Notes   []string // what a user should know about it, a line each

	memo *memo
}

// Last returns the step that gives the profile's credentials.
func (p Plan) Last() Step { return p.Steps[len(p.Steps)-1] }

// Hash returns the identity of what step i gives: a hash of all that decides
// it, in that step and those before. The reason and the region are not in it.
func (p Plan) Hash(i int) string {
	if m := p.memo; m != nil && len(m.list) == len(p.Steps) && m.first == &p.Steps[0] {
		return m.list[i]
	}
	return hashes(p.Steps[:i+1])[i]
}

// memo holds the hashes of a plan's steps: of a long chain each is asked for.
type memo struct {
	first *Step // tells the list of steps that they are of
	list  []string
}

func hashes(steps []Step) []string {
	h := sha256.New()
	list := make([]string, len(steps))
	for i, s := range steps {
		// The key counts and not whose it is: profiles share its session.
		s.Profile, s.Reason, s.Region = "", "", ""
		text, err := json.Marshal(s)
		if err != nil {
			panic(err) // strings, numbers and lists of them
		}
		h.Write(text)
		h.Write([]byte{'\n'})
		list[i] = hex.EncodeToString(h.Sum(nil)[:16])
	}
	return list
}

// Family returns the identity of the MFA session that step i gives, whatever
// its duration, "" if it gives none: of a family any that is fresh will do,
// before a person is asked for another code.
func (p Plan) Family(i int) string {
	s := p.Steps[i]
	if s.Action != GetSessionToken || s.MFASerial == "" || s.Asked {
		return ""
	}
	s.Duration = 0
	steps := append(p.Steps[:i:i], s)
	return Plan{Steps: steps}.Hash(i)
}

func (p *Plan) notef(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// Options are what the user asks for beside the profile.
type Options struct {
	Duration    time.Duration                      // of what the shell gets; 0: as configured
	ReadOnly    bool                               // what the shell gets can read and nothing else
	Account     string                             // the only account that the profile may lead into; "": any
	NoSession   bool                               // no GetSessionToken: all is had from the key itself
	MFASerial   string                             // in place of what the profiles name
	SessionName string                             // for roles that name none
	SessionTTL  time.Duration                      // of a session that the shell gets; 0: 1 h
	ChainedTTL  time.Duration                      // of a session that roles are assumed from; 0: 8 h
	RoleTTL     time.Duration                      // of a role; 0: duration_seconds, else 1 h
	Stored      map[string]string                  // profile to the id of its key in the keystore
	Endpoint    func(*config.Profile) string       // the URL configured for STS, "" if none
	Region      string                             // of the switch: says the partition where no profile does
	Self        func(profile, command string) bool // whether a credential_process asks this program for that profile

	// SSO returns a profile's settings for Identity Center, as config.Files.SSO.
	SSO func(*config.Profile) (*config.SSO, error)
}

// What AWS allows (AWS STS API Reference, pages GetSessionToken and
// AssumeRole; IAM User Guide, "Role chaining").
const (
	leastDuration   = 15 * time.Minute
	mostSession     = 36 * time.Hour
	mostRole        = 12 * time.Hour
	mostChainedRole = time.Hour
)

// NewPlan decides how to get credentials for the first profile of chain, as
// config.Files.Chain returns it.
func NewPlan(chain []*config.Profile, o Options) (Plan, error) {
	plan := Plan{Profile: chain[0].Name, Region: chain[0].Region()}
	from, err := plan.source(chain, o)
	if err != nil {
		return Plan{}, err
	}
	plan.Steps = []Step{from.key}
	switch {
	case len(from.roles) > 0:
		err = plan.roles(from, o)
	case from.key.Action == StaticKeys && from.temporary != "":
		plan.notef("the keys of profile %q are temporary: when they end is not known", from.owner.Name)
	case from.temporary == "" && !o.NoSession:
		err = plan.session(from, o)
	}
	if err == nil && o.ReadOnly {
		err = plan.readOnly()
	}
	if err == nil && o.Account != "" {
		plan.Pin = Pin{o.Account, o.region(chain[0]), o.endpoint(chain[0])}
		err = plan.pinned()
	}
	if err != nil {
		return Plan{}, err
	}
	plan.memo = &memo{&plan.Steps[0], hashes(plan.Steps)}
	return plan, nil
}

// session appends the session of a key that the shell gets.
func (p *Plan) session(from source, o Options) error {
	d := first(o.Duration, o.SessionTTL, time.Hour)
	if err := within("session", d, mostSession); err != nil {
		return err
	}
	p.Steps = append(p.Steps, Step{
		Action: GetSessionToken, Profile: from.owner.Name, MFASerial: o.serial(from.owner), Duration: d,
		Endpoint: o.endpoint(from.owner), Region: o.region(from.owner), Asked: o.Duration != 0 || o.SessionTTL != 0,
		Reason: "the shell gets a session, never the key itself",
	})
	return nil
}

// roles appends the calls that lead from a key through roles.
func (p *Plan) roles(from source, o Options) error {
	for i, profile := range from.roles {
		step, err := role(profile, o, i == len(from.roles)-1)
		if err != nil {
			return err
		}
		if i > 0 {
			p.chained(&step, profile, from.roles[i-1], o)
		} else if err := p.firstRole(&step, profile, from, o); err != nil {
			return err
		}
		p.Steps = append(p.Steps, step)
	}
	return nil
}

// role returns the step that assumes the role of p; last is whether the shell
// gets it.
func role(p *config.Profile, o Options, last bool) (Step, error) {
	arn, _ := p.Lookup("role_arn")
	if !IsRoleARN(arn.Text) {
		return Step{}, &SettingError{arn, "role_arn", "is not the ARN of a role"}
	}
	configured, err := seconds(p)
	if err != nil {
		return Step{}, err
	}
	// What a role in the middle is asked for need only outlive the next call.
	d := time.Hour
	if last {
		d = first(o.Duration, o.RoleTTL, configured, time.Hour)
	}
	if err := within("role", d, mostRole); err != nil {
		return Step{}, err
	}
	tags, err := tags(p)
	if err != nil {
		return Step{}, err
	}
	name := p.Get("role_session_name")
	if name == "" {
		name = o.SessionName
	}
	return Step{
		Action: AssumeRole, Profile: p.Name, RoleARN: arn.Text, ExternalID: p.Get("external_id"),
		SessionName: name, SourceIdentity: p.Get("source_identity"),
		Tags: tags, TransitiveTagKeys: list(p.Get("transitive_session_tags")),
		Duration: d, Endpoint: o.endpoint(p), Region: o.region(p),
	}, nil
}

// firstRole decides how the role next to the key is assumed: from a session
// that all roles behind the key share, or straight from the key.
func (p *Plan) firstRole(step *Step, profile *config.Profile, from source, o Options) error {
	mfa := o.serial(profile)
	if mfa == "" {
		mfa = o.serial(from.owner)
	}
	switch {
	case from.temporary != "":
		// Whose temporary keys are is not known. A role's get no more than 1 h
		// and carry no MFA code (IAM User Guide, "Secure API access with MFA").
		step.Reason = "assumed straight from " + whose[from.key.Action]
		switch {
		case from.key.Action == CredentialProcess || from.key.Source == Environment:
			// These may be long-lived after all: the runner sees.
			step.MFASerial = mfa
		case mfa != "":
			p.notef("no MFA code is asked for: the keys of profile %q are temporary, and AWS takes none with them", from.owner.Name)
		}
		p.capped(step, from.temporary)
	case o.NoSession:
		step.MFASerial = mfa
		step.Reason = "assumed straight from the key, as asked"
	case step.Duration > mostChainedRole:
		step.MFASerial = mfa
		step.Reason = "assumed straight from the key: more than 1h is refused from a session"
	default:
		life := first(o.ChainedTTL, 8*time.Hour)
		if err := within("session", life, mostSession); err != nil {
			return err
		}
		reason := "one session for all roles behind this key"
		if mfa != "" {
			reason = "one MFA code for all roles behind this key"
		}
		p.Steps = append(p.Steps, Step{
			Action: GetSessionToken, Profile: from.owner.Name, MFASerial: mfa, Duration: life,
			Endpoint: step.Endpoint, Region: step.Region, Reason: reason,
		})
		step.Reason = fmt.Sprintf("role of %q, assumed from that session", profile.Name)
	}
	return nil
}

// whose says what the temporary keys are that a plan begins with.
var whose = map[Action]string{
	StaticKeys:                "the temporary keys",
	CredentialProcess:         "the temporary keys",
	CredentialSource:          "what the machine gives",
	LoginSession:              "the sign-in session",
	SSORoleCredentials:        "the role of Identity Center",
	AssumeRoleWithWebIdentity: "the role of the web identity",
}

// chained completes the step of a role that is assumed from another.
func (p *Plan) chained(step *Step, profile, before *config.Profile, o Options) {
	step.Reason = fmt.Sprintf("role of %q, assumed from the role of %q", profile.Name, before.Name)
	p.capped(step, fromARole)
	// A role's session cannot present MFA (IAM User Guide, "Secure API access
	// with MFA"): a code can be given before the first role only.
	v, ok := profile.Lookup("mfa_serial")
	if !ok || v.Text == "" || o.MFASerial != "" {
		return
	}
	if !slices.ContainsFunc(p.Steps, func(s Step) bool { return s.MFASerial == v.Text }) {
		p.notef("mfa_serial of profile %q (%s) is not used: AWS takes no MFA code from a role's session", profile.Name, v.Where())
	}
}

// capped holds a role down to what role chaining allows.
func (p *Plan) capped(step *Step, how string) {
	if step.Duration > mostChainedRole {
		p.notef("a role assumed %s lasts at most 1h: %q asked for %s", how, step.Profile, short(step.Duration))
		step.Duration = mostChainedRole
	}
}

// Assume returns the way on to a role that is assumed from what the plan leads
// to.
func (p Plan) Assume(role, session string) Plan {
	last := p.Last()
	step := Step{
		Action: AssumeRole, Profile: last.Profile, RoleARN: role, SessionName: session, Duration: mostChainedRole,
		Endpoint: last.Endpoint, Region: last.Region, Reason: "asked for at the endpoint",
	}
	step.Region = cmp.Or(step.Region, p.Region, "us-east-1")
	p.Steps = append(p.Steps[:len(p.Steps):len(p.Steps)], step)
	p.Pin = Pin{} // of the profile's own account
	return p
}

// first returns the first of d that is not zero.
func first(d ...time.Duration) time.Duration {
	for _, x := range d {
		if x != 0 {
			return x
		}
	}
	return 0
}
