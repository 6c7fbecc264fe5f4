package sts

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shellvault/vault/config"
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

var errNoKey = errors.New("no key")

// A source is what a plan begins with.
type source struct {
	key   Step
	owner *config.Profile   // of the key
	roles []*config.Profile // to be assumed, from the key on

	// What the key is if it is temporary, as the end of "a role assumed …":
	// AWS takes no MFA code with it and gives roles 1h at most. "" if it is
	// long-lived.
	temporary string
}

const (
	withTemporaryKeys = "with temporary keys"
	fromARole         = "from a role"
)

// source follows chain to the first profile that has a source of its own.
//
// A key in the keystore replaces what its profile says of a source
// (source_profile or static keys) and not its role. Then the order is the AWS
// CLI's: the role's source, web identity, Identity Center, keys in the
// credentials file, sign-in, process, keys in the config file.
func (p *Plan) source(chain []*config.Profile, o Options) (source, error) {
	var from source
	for i, profile := range chain {
		stored, isStored := o.Stored[profile.Name]
		static, isStatic, half := profile.StaticKeys()
		if half != nil && !isStored && i > 0 {
			return source{}, half // it was to end the chain
		}
		// Static keys end a chain: of the profile they belong to the role does
		// not count then, unless it is the one asked for (AWS SDKs and Tools
		// Reference Guide, page "Assume role credential provider").
		role := profile.Get("role_arn") != "" && (i == 0 || !isStatic)
		if role {
			from.roles = slices.Insert(from.roles, 0, profile)
		}
		from.owner = profile
		if isStored {
			from.key = Step{Action: StoredKeys, Profile: profile.Name, AccessKeyID: stored, Reason: "the keystore holds a key for this profile"}
			if isStatic {
				p.notef("the key of profile %q in the keystore is used; %s also holds one, in clear", profile.Name, static.Secret.File)
			}
			return from, nil
		}
		elsewhere, err := sourceElsewhere(profile, role)
		if err != nil {
			return source{}, err
		}
		if elsewhere {
			continue
		}
		if role {
			found, err := p.roleSource(&from, profile, o)
			if found || err != nil {
				return from, err
			}
			if v, _ := profile.Lookup("role_arn"); profile.Get("source_profile") == "" {
				return source{}, &SourceError{
					Profile: profile.Name, NoKey: true, Err: errNoKey,
					Why: fmt.Sprintf("role_arn (%s) has none of source_profile, credential_source and web_identity_token_file, and no access key is stored for it", v.Where()),
				}
			}
		}
		found, err := p.ownSource(&from, profile, static, isStatic, half, o)
		if found || err != nil {
			return from, err
		}
		break
	}
	return source{}, noSource(from.owner, chain[0].Name)
}

// roleSource finds a source that a profile has for its role alone: the machine,
// or the token of an identity provider.
func (p *Plan) roleSource(from *source, profile *config.Profile, o Options) (found bool, err error) {
	var key string
	var v config.Value
	for _, k := range roleSources {
		switch also, ok := profile.Lookup(k); {
		case !ok || also.Text == "":
		case key != "":
			return false, besides(k, also, key, v)
		default:
			key, v = k, also
		}
	}
	switch key {
	case "":
		return false, nil
	case "credential_source":
		if !slices.Contains(credentialSources, v.Text) {
			return false, &SettingError{v, key, "is not one of " + strings.Join(credentialSources, ", ")}
		}
		from.key = Step{Action: CredentialSource, Profile: profile.Name, Source: v.Text, Reason: "credential_source in " + v.File}
		from.temporary = fromARole
		if v.Text == Environment {
			from.temporary = withTemporaryKeys
		}
		return true, nil
	}
	// The token is all that the role needs: it is the first step itself.
	from.roles = from.roles[1:]
	step, err := role(profile, o, len(from.roles) == 0)
	if err != nil {
		return false, err
	}
	step.Action, step.Reason = AssumeRoleWithWebIdentity, key+" in "+v.File
	step.ExternalID, step.SourceIdentity, step.Tags, step.TransitiveTagKeys = "", "", nil, nil
	if key == "web_identity_token_file" {
		step.TokenFile = v.Text
	} else {
		step.Command = v.Text
	}
	from.key, from.temporary = step, fromARole
	return true, nil
}

// besides reports two sources of a role.
func besides(key string, v config.Value, other string, at config.Value) error {
	return &SettingError{v, key, fmt.Sprintf("stands beside %s (%s): a role takes one of them", other, at.Where())}
}

// ownSource finds the source that a profile has, role or not; half says what is
// wrong with its static keys.
func (p *Plan) ownSource(from *source, profile *config.Profile, static config.StaticKeys, isStatic bool, half error, o Options) (bool, error) {
	// Without both it is a token that is had there, and no credentials.
	if profile.Get("sso_account_id") != "" || profile.Get("sso_role_name") != "" {
		sso, err := o.SSO(profile)
		if err != nil {
			return false, err
		}
		v, _ := profile.Lookup("sso_role_name")
		from.key = Step{Action: SSORoleCredentials, Profile: profile.Name, Region: sso.Region, SSOSession: sso.Session,
			SSOStartURL: sso.StartURL, SSOAccount: sso.AccountID, SSORole: sso.RoleName, Reason: "sso_role_name in " + v.File}
		from.temporary = fromARole
		return true, nil
	}
	if half != nil {
		return false, half
	}
	if isStatic && static.File != config.ConfigFile {
		return true, p.static(from, static)
	}
	if v, ok := profile.Lookup("login_session"); ok && v.Text != "" {
		from.key = Step{Action: LoginSession, Profile: profile.Name, Login: v.Text, Reason: "login_session in " + v.File}
		from.temporary = withTemporaryKeys
		return true, nil
	}
	if v, ok := profile.Lookup("credential_process"); ok && v.Text != "" && !(o.Self != nil && o.Self(profile.Name, v.Text)) {
		from.key = Step{Action: CredentialProcess, Profile: profile.Name, Command: v.Text, Reason: "credential_process in " + v.File}
		from.temporary = withTemporaryKeys
		return true, nil
	}
	if isStatic {
		return true, p.static(from, static)
	}
	return false, nil
}

func (p *Plan) static(from *source, keys config.StaticKeys) error {
	name := from.owner.Name
	from.key = Step{Action: StaticKeys, Profile: name, AccessKeyID: keys.ID.Text, Reason: "static keys in " + keys.Secret.File}
	if keys.Token.Text != "" {
		from.temporary = withTemporaryKeys
	} else {
		p.notef("the key of profile %q lies in clear in %s", name, keys.Secret.File)
	}
	return nil
}

// What credential_source may name (AWS SDKs and Tools Reference Guide, page
// "Assume role credential provider").
const (
	Environment         = "Environment"
	Ec2InstanceMetadata = "Ec2InstanceMetadata"
	EcsContainer        = "EcsContainer"
)

var credentialSources = []string{Environment, Ec2InstanceMetadata, EcsContainer}

// roleSources are the settings that name the source of a role, without
// source_profile.
var roleSources = []string{"credential_source", "web_identity_token_file", "web_identity_token_process"}

// sourceElsewhere reports whether the key for a role is another profile's. It
// is an error if the profile names a source of another kind beside that.
func sourceElsewhere(p *config.Profile, role bool) (bool, error) {
	from, ok := p.Lookup("source_profile")
	if !role || !ok || from.Text == "" {
		return false, nil
	}
	for _, key := range roleSources {
		if v, ok := p.Lookup(key); ok && v.Text != "" {
			return false, besides(key, v, "source_profile", from)
		}
	}
	return from.Text != p.Name, nil
}

// noSource says why there is nothing to sign with.
func noSource(p *config.Profile, asked string) error {
	for _, key := range []string{"sso_session", "sso_start_url"} {
		if v, ok := p.Lookup(key); ok && v.Text != "" {
			return &SourceError{Profile: p.Name, Why: fmt.Sprintf("%s (%s) without sso_account_id and sso_role_name gives no credentials", key, v.Where())}
		}
	}
	if v, ok := p.Lookup("source_profile"); ok && v.Text != "" && v.Text != p.Name && p.Get("role_arn") == "" {
		return &SourceError{Profile: p.Name, Why: fmt.Sprintf("source_profile (%s) is of use with a role_arn only, and no access key is stored for it", v.Where()), Err: errNoKey}
	}
	why := "no access key is stored for it"
	if p.Name != asked {
		why = fmt.Sprintf("no access key is stored for it, and %q needs one", asked)
	}
	return &SourceError{Profile: p.Name, Why: why, NoKey: true, Err: errNoKey}
}
