package sts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shellvault/vault/config"
)

// An Action is what one step of a plan does.
type Action string

// The actions.
const (
	StoredKeys      Action = "StoredKeys"      // long-lived keys from the keystore
	StaticKeys      Action = "StaticKeys"      // long-lived keys in clear in the shared files
	GetSessionToken Action = "GetSessionToken" // AWS STS API Reference, GetSessionToken
	AssumeRole      Action = "AssumeRole"      // AWS STS API Reference, AssumeRole
)

// A Tag is a session tag.
type Tag struct{ Key, Value string }

// A Step is one step from a profile to credentials; each takes the credentials
// of the step before it.
type Step struct {
	Action  Action
	Profile string // the profile whose settings the step comes from

	AccessKeyID       string // of StoredKeys and StaticKeys
	MFASerial         string
	RoleARN           string
	ExternalID        string
	SessionName       string
	SourceIdentity    string
	Tags              []Tag
	TransitiveTagKeys []string
	Duration          time.Duration
	Endpoint          string // URL, where one is configured

	Region string // of the STS endpoint; any region's gives the same session
	Reason string // why the step is as it is, for a person
}

// A Plan is the way from a profile to credentials, decided and not yet gone.
type Plan struct {
	Profile string
	Region  string // the profile's own, "" if it has none
	Steps   []Step
	Notes   []string // what a user should know about it, a line each
}

// Last returns the step that gives the profile's credentials.
func (p Plan) Last() Step { return p.Steps[len(p.Steps)-1] }

// Hash returns the identity of what step i gives: a hash of all that decides
// it, in that step and those before. The reason and the region are not in it.
func (p Plan) Hash(i int) string {
	h := sha256.New()
	for _, s := range p.Steps[:i+1] {
		// The key counts and not whose it is: profiles share its session.
		s.Profile, s.Reason, s.Region = "", "", ""
		text, err := json.Marshal(s)
		if err != nil {
			panic(err) // strings, numbers and lists of them
		}
		h.Write(text)
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Options are what the user asks for beside the profile.
type Options struct {
	Duration    time.Duration                // of what the shell gets; 0: as configured
	NoSession   bool                         // no GetSessionToken: all is had from the key itself
	MFASerial   string                       // in place of what the profiles name
	SessionName string                       // for roles that name none
	SessionTTL  time.Duration                // of a session that the shell gets; 0: 1 h
	ChainedTTL  time.Duration                // of a session that roles are assumed from; 0: 8 h
	RoleTTL     time.Duration                // of a role; 0: duration_seconds, else 1 h
	Stored      map[string]string            // profile to the id of its key in the keystore
	Endpoint    func(*config.Profile) string // the URL configured for STS, "" if none
}

// What AWS allows (AWS STS API Reference, pages GetSessionToken and
// AssumeRole; IAM User Guide, "Role chaining").
const (
	leastDuration   = 15 * time.Minute
	mostSession     = 36 * time.Hour
	mostRole        = 12 * time.Hour
	mostChainedRole = time.Hour
)

// A SourceError reports a profile that no credentials can be had for.
type SourceError struct {
	Profile string
	Why     string
	NoKey   bool // storing a key would help
	Err     error
}

func (e *SourceError) Error() string {
	return fmt.Sprintf("profile %q: %s", e.Profile, e.Why)
}

func (e *SourceError) Unwrap() error { return e.Err }

// NewPlan decides how to get credentials for the first profile of chain, as
// config.Files.Chain returns it.
//
// A key in the keystore replaces the source of its profile (source_profile or
// static keys), not its role.
func NewPlan(chain []*config.Profile, o Options) (Plan, error) {
	plan := Plan{Profile: chain[0].Name, Region: chain[0].Region()}
	var roles []*config.Profile // from the key upwards
	var base Step
	var owner *config.Profile
	for i, p := range chain {
		stored, isStored := o.Stored[p.Name]
		static, isStatic, err := p.StaticKeys()
		if err != nil {
			return Plan{}, &SourceError{Profile: p.Name, Why: err.Error(), Err: err}
		}
		role := p.Get("role_arn") != "" && (i == 0 || !isStatic)
		if role {
			roles = append([]*config.Profile{p}, roles...)
		}
		if isStored {
			base = Step{Action: StoredKeys, Profile: p.Name, AccessKeyID: stored, Reason: "the keystore holds a key for this profile"}
			if isStatic {
				plan.Notes = append(plan.Notes, fmt.Sprintf("the key of profile %q in the keystore is used; %s also holds one, in clear", p.Name, static.Secret.File))
			}
			owner = p
			break
		}
		if role && p.Get("source_profile") != "" && p.Get("source_profile") != p.Name {
			if source, err := p.RoleSource(); err != nil {
				return Plan{}, &SourceError{Profile: p.Name, Why: err.Error(), Err: err}
			} else if source == "source_profile" {
				continue
			}
		}
		if isStatic {
			base = Step{Action: StaticKeys, Profile: p.Name, AccessKeyID: static.ID.Text, Reason: "static keys in " + static.Secret.File}
			if static.Token.Text != "" {
				// Temporary credentials: AWS makes no session from a session.
				o.NoSession = true
			} else {
				plan.Notes = append(plan.Notes, fmt.Sprintf("the key of profile %q lies in clear in %s", p.Name, static.Secret.File))
			}
			owner = p
			break
		}
		return Plan{}, noSource(p, chain[0].Name)
	}
	if owner == nil {
		last := chain[len(chain)-1]
		return Plan{}, noSource(last, chain[0].Name)
	}
	plan.Steps = []Step{base}
	if err := plan.add(owner, roles, o); err != nil {
		return Plan{}, err
	}
	return plan, nil
}

// add appends the calls that lead from the key of owner through roles.
func (plan *Plan) add(owner *config.Profile, roles []*config.Profile, o Options) error {
	serial := func(p *config.Profile) string {
		if o.MFASerial != "" {
			return o.MFASerial
		}
		return p.Get("mfa_serial")
	}
	if len(roles) == 0 {
		if o.NoSession {
			return nil
		}
		d := first(o.Duration, o.SessionTTL, time.Hour)
		if err := within("session", d, mostSession); err != nil {
			return err
		}
		plan.Steps = append(plan.Steps, Step{Action: GetSessionToken, Profile: owner.Name, MFASerial: serial(owner),
			Duration: d, Endpoint: o.endpoint(owner), Region: region(owner), Reason: "the shell gets a session, never the key itself"})
		return nil
	}
	for i, p := range roles {
		configured, err := seconds(p)
		if err != nil {
			return err
		}
		// What a role in the middle is asked for need only outlive the next call.
		d := time.Hour
		if i == len(roles)-1 {
			d = first(o.Duration, o.RoleTTL, configured, time.Hour)
		}
		if err := within("role", d, mostRole); err != nil {
			return err
		}
		step := Step{Action: AssumeRole, Profile: p.Name, RoleARN: p.Get("role_arn"), ExternalID: p.Get("external_id"),
			SessionName: p.Get("role_session_name"), SourceIdentity: p.Get("source_identity"), Duration: d,
			Endpoint: o.endpoint(p), Region: region(p)}
		if step.SessionName == "" {
			step.SessionName = o.SessionName
		}
		if step.Tags, err = tags(p); err != nil {
			return err
		}
		step.TransitiveTagKeys = list(p.Get("transitive_session_tags"))
		switch {
		case i > 0:
			step.Reason = fmt.Sprintf("role of %q, assumed from the role of %q", p.Name, roles[i-1].Name)
			if d > mostChainedRole {
				step.Duration = mostChainedRole
				plan.Notes = append(plan.Notes, fmt.Sprintf("a role assumed from a role lasts at most 1h: %q asked for %s", p.Name, short(d)))
			}
		default:
			mfa := serial(p)
			if mfa == "" {
				mfa = serial(owner)
			}
			direct := o.NoSession || d > mostChainedRole
			if direct {
				step.MFASerial = mfa
				step.Reason = "assumed straight from the key: more than 1h is refused from a session"
				if o.NoSession {
					step.Reason = "assumed straight from the key, as asked"
				}
				break
			}
			life := first(o.ChainedTTL, 8*time.Hour)
			if err := within("session", life, mostSession); err != nil {
				return err
			}
			reason := "one session for all roles behind this key"
			if mfa != "" {
				reason = "one MFA code for all roles behind this key"
			}
			from := owner
			plan.Steps = append(plan.Steps, Step{Action: GetSessionToken, Profile: from.Name, MFASerial: mfa, Duration: life,
				Endpoint: o.endpoint(p), Region: region(p), Reason: reason})
			step.Reason = fmt.Sprintf("role of %q, assumed from that session", p.Name)
		}
		plan.Steps = append(plan.Steps, step)
	}
	return nil
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
