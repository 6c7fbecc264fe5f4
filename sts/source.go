package sts

import (
	"errors"
	"fmt"
	"slices"

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
	key       Step
	owner     *config.Profile   // of the key
	temporary bool              // static keys with a session token, or what a program prints
	roles     []*config.Profile // to be assumed, from the key on
}

// source follows chain to the first profile that has a key.
//
// A key in the keystore replaces what its profile says of a source
// (source_profile or static keys) and not its role.
func (p *Plan) source(chain []*config.Profile, o Options) (source, error) {
	var from source
	for i, profile := range chain {
		stored, isStored := o.Stored[profile.Name]
		static, isStatic, err := profile.StaticKeys()
		if err != nil && !isStored {
			return source{}, err
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
		if isStatic && !outranked(profile, static) {
			from.key = Step{Action: StaticKeys, Profile: profile.Name, AccessKeyID: static.ID.Text, Reason: "static keys in " + static.Secret.File}
			if from.temporary = static.Token.Text != ""; !from.temporary {
				p.notef("the key of profile %q lies in clear in %s", profile.Name, static.Secret.File)
			}
			return from, nil
		}
		if v, ok := o.process(profile); ok {
			from.key = Step{Action: CredentialProcess, Profile: profile.Name, Command: v.Text, Reason: "credential_process in " + v.File}
			from.temporary = true
			return from, nil
		}
		break
	}
	return source{}, noSource(from.owner, chain[0].Name)
}

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
			return false, &SettingError{v, key, fmt.Sprintf("stands beside source_profile (%s): a role takes one of them", from.Where())}
		}
	}
	return from.Text != p.Name, nil
}

// process returns the credential_process of p, if that is where its credentials
// come from: no other source goes before it, and it is not this program, asked
// for p again.
func (o Options) process(p *config.Profile) (config.Value, bool) {
	v, ok := p.Lookup("credential_process")
	if !ok || v.Text == "" || o.Self != nil && o.Self(p.Name, v.Text) {
		return config.Value{}, false
	}
	before := []string{"sso_account_id", "sso_role_name", "login_session"}
	if p.Get("role_arn") != "" {
		before = append(before, roleSources...)
	}
	return v, !slices.ContainsFunc(before, func(key string) bool { return p.Get(key) != "" })
}

// outranked reports whether the profile names a source that goes before its
// static keys, in the AWS CLI's order: role_arn with its source, web identity,
// Identity Center, keys in the credentials file, sign-in, process, keys in the
// config file.
func outranked(p *config.Profile, static config.StaticKeys) bool {
	var before []string
	if p.Get("role_arn") != "" {
		before = append(before, roleSources...)
	}
	// Without these it is a token that is had there, and no credentials.
	before = append(before, "sso_account_id", "sso_role_name")
	if static.File == config.ConfigFile {
		before = append(before, "login_session", "credential_process")
	}
	return slices.ContainsFunc(before, func(key string) bool { return p.Get(key) != "" })
}

// noSource says why there is nothing to sign with: what p names as its source,
// if this program cannot use that, else that no key is known.
func noSource(p *config.Profile, asked string) error {
	for _, key := range slices.Concat(roleSources, []string{"sso_session", "sso_start_url", "login_session"}) {
		if v, ok := p.Lookup(key); ok && v.Text != "" {
			return &SourceError{Profile: p.Name, Why: fmt.Sprintf("takes its credentials from %s (%s); vault works with access keys, roles and credential_process", key, v.Where())}
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
