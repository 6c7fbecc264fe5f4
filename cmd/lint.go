package cmd

import (
	"fmt"
	"slices"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
)

// shadowed names the sources that a profile has beside the one that is used.
func (app *App) shadowed(r resolved) []string {
	first := r.plan.Steps[0]
	p := r.profile()
	var warnings []string
	beside := func(key, winner string) {
		if v, ok := p.Lookup(key); ok && v.Text != "" {
			warnings = append(warnings, fmt.Sprintf("%s (%s:%d) is not used: %s", key, tilde(v.File, app.Home), v.Line, winner))
		}
	}
	switch {
	case first.Action == sts.StoredKeys && first.Profile == p.Name:
		for _, key := range []string{"source_profile", "credential_source", "web_identity_token_file", "sso_session", "sso_start_url", "login_session", "credential_process"} {
			beside(key, "the key in the keystore wins")
		}
	case first.Action == sts.StaticKeys && first.Profile == p.Name:
		for _, key := range []string{"login_session", "credential_process"} {
			beside(key, "the static keys win")
		}
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
	if p.Name == "default" || p.Get("include_profile") != "" || !slices.Contains(files.Names(), "default") {
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
