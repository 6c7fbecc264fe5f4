package cmd

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
)

// conflicting are the variables that could win against the credentials that we
// export, or mislead someone who reads them. They are unset, not emptied.
var conflicting = []string{
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_ACCESS_KEY", "AWS_SECRET_KEY", // the Java SDK's old names
	"AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION",
	"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWSU_PROFILE", "AWSUME_PROFILE", "AWSUME_EXPIRATION", "AWS_SSO_PROFILE", "AWS_CREDENTIAL_FILE",
}

// secret are the variables whose former values may stand nowhere but in the
// shell itself. An access key id goes with its secret.
var secret = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
	"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
}

// ownSecrets are the variables with secrets of ours: no child gets them.
var ownSecrets = []string{"AWS_VAULT_FILE_PASSPHRASE"}

// A target is what a switch exports.
type target struct {
	profile string
	creds   sts.Credentials
	dynamic *dynamic // the config that programs get them by, nil: the environment has them
	served  *served  // where programs get the credentials from, nil: the environment has them
	region  string

	readOnly  bool
	confirmed time.Time // when a person confirmed the switch, zero if none had to
	until     time.Time // the switch is over then, zero for never
	account   string    // that the plan leads into, as far as is known
	shown     config.ProfileSettings
	format    string    // of the prompt segment, "" for the usual
	more      shell.Env // settings of the profile that would be lost without AWS_PROFILE
}

// variables returns the environment of the target.
func (t target) variables() shell.Env {
	env := shell.Env{
		"AWS_ACCESS_KEY_ID":     t.creds.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": t.creds.SecretAccessKey.Reveal(),
		"AWS_VAULT":             t.profile,
	}
	if token := t.creds.SessionToken.Reveal(); token != "" {
		env["AWS_SESSION_TOKEN"] = token
	}
	if !t.creds.Expires.IsZero() {
		expires := t.creds.Expires.UTC().Format(time.RFC3339)
		env["AWS_CREDENTIAL_EXPIRATION"] = expires
		env["AWS_SESSION_EXPIRATION"] = expires
	}
	if t.served != nil {
		env = t.served.variables()
		env["AWS_VAULT"] = t.profile
	}
	if t.dynamic != nil {
		env = t.dynamic.variables(t.profile)
		env["AWS_VAULT"] = t.profile
	}
	if t.region != "" {
		env["AWS_REGION"] = t.region
		env["AWS_DEFAULT_REGION"] = t.region
	}
	if t.dynamic == nil { // else the config says it
		maps.Copy(env, t.more)
	}
	return env
}

// change returns what the shell has to do to go from env, which is in the
// state old (nil if in none), to the variables want; now gets the new state's
// bookkeeping. Names in keep are the user's own by now and stay as they are.
func change(env shell.Env, old *state, want shell.Env, now *state, keep []string) shell.Switch {
	now.Set, now.Was = map[string]string{}, map[string]*string{}
	if old != nil {
		now.ID = old.ID
		maps.Copy(now.Was, old.Was)
	} else {
		now.ID = newID()
	}
	s := shell.Switch{ID: now.ID, Set: shell.Env{}}
	save := func(name string) { record(env, old, now, &s, name) }
	for _, name := range want.Names() {
		if slices.Contains(keep, name) {
			now.Set[name] = old.Set[name]
			continue
		}
		save(name)
		s.Set[name] = want[name]
		now.Set[name] = digest(want[name])
	}
	for _, name := range conflicting {
		if _, wanted := want[name]; !wanted {
			save(name)
			s.Unset = append(s.Unset, name)
		}
	}
	if old != nil {
		for name := range old.Set {
			_, wanted := want[name]
			if wanted || slices.Contains(conflicting, name) {
				continue
			}
			if slices.Contains(keep, name) || !old.ours(env, name) {
				now.Set[name] = old.Set[name]
				continue
			}
			s.Back = append(s.Back, back(old, name))
			delete(now.Was, name)
		}
	}
	slices.SortFunc(s.Back, func(a, b shell.Back) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// record has the shell keep what a variable is now, and notes it in the state,
// unless what it was before the first switch is on record already.
func record(env shell.Env, old, now *state, s *shell.Switch, name string) {
	if old != nil {
		if _, set := old.Set[name]; set {
			return
		}
		if _, was := old.Was[name]; was {
			return
		}
	}
	value, exported := env[name]
	s.Keep = append(s.Keep, shell.Saved{Name: name, Exported: exported})
	switch {
	case !exported:
	case slices.Contains(secret, name):
		now.Was[name] = nil
	default:
		now.Was[name] = &value
	}
}

// undo returns what the shell has to do to be as before its first switch. What
// the user changed since stays.
func undo(env shell.Env, old *state) shell.Switch {
	s := shell.Switch{ID: old.ID, Off: true, Unset: []string{stateVariable}}
	for name := range old.Set {
		if old.ours(env, name) {
			s.Back = append(s.Back, back(old, name))
		}
	}
	for name := range old.Was {
		_, set := old.Set[name]
		_, taken := env[name]
		if !set && !taken {
			s.Back = append(s.Back, back(old, name))
		}
	}
	slices.SortFunc(s.Back, func(a, b shell.Back) int { return strings.Compare(a.Name, b.Name) })
	return s
}

func back(old *state, name string) shell.Back {
	value, was := old.Was[name]
	switch {
	case !was:
		return shell.Back{Name: name}
	case value == nil:
		return shell.Back{Name: name, Lost: true}
	}
	return shell.Back{Name: name, Value: *value, Known: true}
}

// before returns what a variable was before the first switch, as far as this
// process can know.
func before(env shell.Env, old *state, name string) string {
	if old != nil {
		if value, was := old.Was[name]; was {
			if value != nil {
				return *value
			}
			return ""
		}
		if _, set := old.Set[name]; set {
			return ""
		}
	}
	return env[name]
}

// settings are the profile's settings that SDKs read only with AWS_PROFILE:
// exported, unless the environment itself says otherwise, as it would win
// (AWS SDKs and Tools Reference Guide, "Settings reference").
func (app *App) settings(p *config.Profile, files *config.Files, old *state) shell.Env {
	env := shell.Env{}
	set := func(name, value string) {
		if value != "" && before(app.Env, old, name) == "" {
			env[name] = value
		}
	}
	if ignored := p.Get("ignore_configured_endpoint_urls"); !strings.EqualFold(ignored, "true") {
		set("AWS_ENDPOINT_URL", p.Get("endpoint_url"))
		// AWS_ENDPOINT_URL of the user's own wins over the services section.
		if section, _ := files.Services(p); section != nil && before(app.Env, old, "AWS_ENDPOINT_URL") == "" {
			for _, service := range section.Keys() {
				v, _ := section.Lookup(service)
				if url, ok := v.SubValue("endpoint_url"); ok {
					set("AWS_ENDPOINT_URL_"+strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_").Replace(service)), url.Text)
				}
			}
		}
	}
	set("AWS_CA_BUNDLE", p.Get("ca_bundle"))
	set("AWS_USE_FIPS_ENDPOINT", p.Get("use_fips_endpoint"))
	set("AWS_USE_DUALSTACK_ENDPOINT", p.Get("use_dualstack_endpoint"))
	set("AWS_STS_REGIONAL_ENDPOINTS", p.Get("sts_regional_endpoints"))
	for name := range env {
		if !variableName(name) {
			delete(env, name)
		}
	}
	return env
}

func variableName(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && s != "" && (s[0] < '0' || '9' < s[0])
}

// child returns the environment of a command that runs with the target: this
// process's own without another switch's variables and our secrets. A shell
// with vault loaded finds itself switched in it.
func (app *App) child(t target, now *state) shell.Env {
	env := maps.Clone(app.Env)
	if old := app.current(); old != nil {
		for _, b := range undo(env, old).Back {
			delete(env, b.Name)
			if b.Known {
				env[b.Name] = b.Value
			}
		}
	}
	for _, name := range slices.Concat(ownSecrets, []string{stateVariable, lastVariable, savedVariable}) {
		delete(env, name)
	}
	s := change(env, nil, t.variables(), now, nil)
	for _, name := range s.Unset {
		delete(env, name)
	}
	maps.Copy(env, s.Set)
	if checkProfileName(t.profile) == nil {
		env[stateVariable] = now.String()
	}
	return env
}
