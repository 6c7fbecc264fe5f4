package cmd

import (
	"fmt"
	"slices"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
)

// sources are the settings that say where a profile's credentials come from.
var sources = []string{
	"source_profile", "credential_source", "web_identity_token_file", "web_identity_token_process",
	"sso_role_name", "aws_access_key_id", "login_session", "credential_process",
}

// winners says what a plan begins with, and which of the sources that is.
var winners = map[sts.Action]struct {
	text string
	keys []string
}{
	sts.StoredKeys:                {"the key in the keystore wins", []string{"aws_access_key_id"}}, // the plan has a note on that
	sts.StaticKeys:                {"the static keys win", []string{"aws_access_key_id"}},
	sts.CredentialSource:          {"credential_source wins", []string{"credential_source"}},
	sts.AssumeRoleWithWebIdentity: {"the web identity wins", []string{"web_identity_token_file", "web_identity_token_process"}},
	sts.SSORoleCredentials:        {"Identity Center wins", []string{"sso_role_name"}},
	sts.LoginSession:              {"login_session wins", []string{"login_session"}},
	sts.CredentialProcess:         {"credential_process wins", []string{"credential_process"}},
}

// shadowed names the sources that a profile has beside the one that is used.
func (app *App) shadowed(r resolved) []string {
	p := r.profile()
	role := p.Get("role_arn") != ""
	winner := winners[r.plan.Steps[0].Action]
	if r.plan.Steps[0].Profile != p.Name {
		winner.text, winner.keys = "source_profile wins", []string{"source_profile"}
	}
	var warnings []string
	for i, key := range sources {
		v, ok := p.Lookup(key)
		why := winner.text
		switch {
		case !ok || v.Text == "" || slices.Contains(winner.keys, key):
			continue
		case i < 4 && !role:
			why = "there is no role_arn"
		case key == "source_profile" && v.Text == p.Name, key == "credential_process" && app.isSelf(p.Name, v.Text):
			continue
		}
		warnings = append(warnings, fmt.Sprintf("%s (%s:%d) is not used: %s", key, tilde(v.File, app.Home), v.Line, why))
	}
	return warnings
}

// inherited are the settings that decide what credentials a profile gets.
var inherited = []string{"mfa_serial", "region", "role_arn", "source_profile", "duration_seconds", "external_id", "role_session_name", "sso_session", "credential_process"}

// lint says what in a profile looks like a mistake.
func (app *App) lint(files *config.Files, p *config.Profile) []string {
	var warnings []string
	for _, key := range p.Keys() {
		if meant, ok := config.Typo(key); ok {
			v, _ := p.Lookup(key)
			warnings = append(warnings, fmt.Sprintf("%s:%d: nothing reads %q; is %q meant?", tilde(v.File, app.Home), v.Line, key, meant))
		}
	}
	if p.Name == "default" || p.Get("include_profile") != "" || !files.Has("default") {
		return warnings
	}
	base, err := files.Profile("default")
	if err != nil {
		return warnings
	}
	for _, key := range inherited {
		v, has := base.Lookup(key)
		if _, own := p.Lookup(key); has && !own && v.Text != "" {
			warnings = append(warnings, fmt.Sprintf("%s of [default] (%s:%d) is not inherited, as in the AWS CLI; aws-vault would", key, tilde(v.File, app.Home), v.Line))
		}
	}
	return warnings
}
