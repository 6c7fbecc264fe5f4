package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore/foreign"
	"github.com/shellvault/vault/sts/sso"
)

// A newSection is a section that is added to the config file.
type newSection struct {
	kind, name string
	settings   [][2]string
}

// importRoles makes profiles of the accounts and roles in the config of
// aws-sso-cli. Its tokens are not worth taking over: a sign-in replaces them.
func (app *App) importRoles(ctx context.Context, o importOptions) error {
	files := []string{o.file}
	if o.file == "" {
		files = app.ssoCLIFiles()
	}
	var centers []foreign.SSO
	for _, file := range files {
		some, err := foreign.ReadSSOCLI(file)
		if err != nil {
			return err
		}
		centers = append(centers, some...)
	}
	if len(centers) == 0 {
		app.note("no Identity Center of aws-sso-cli was found")
		return nil
	}
	path := config.Locate(app.getenv, app.Home).Config
	var added []newSection
	edit := func(write bool) error {
		err := config.EditFile(path, config.ConfigFile, func(e *config.Editor) error {
			// It may be called more than once: the file as it is now counts.
			now, err := config.Parse(config.Paths{Config: path}, e.Bytes(), nil)
			if err != nil {
				return err
			}
			if added, err = sectionsOf(now, centers, o); err != nil {
				return err
			}
			for _, s := range added {
				if err := e.AddSection(s.kind, s.name, s.settings); err != nil {
					return err
				}
			}
			if !write {
				return errDryRun
			}
			return nil
		})
		if errors.Is(err, errDryRun) {
			return nil
		}
		return err
	}
	if err := edit(false); err != nil {
		return err
	}
	for _, s := range added {
		fmt.Fprintf(app.Stdout, "+ [%s %s]%s\n", s.kind, oneLine(s.name), oneLine(s.what()))
	}
	for _, c := range centers {
		if len(c.Roles) == 0 {
			app.note(fmt.Sprintf("aws-sso-cli lists no roles of %s: have all of them written with: %s sso sync %s", c.Name, app.name(), word(centerName(c.Name))))
		}
		for _, r := range c.Roles {
			if r.Via != "" && o.wants(roleProfile(r)) {
				app.note(fmt.Sprintf("role %s in account %s is not added: it is assumed from %s; write role_arn and source_profile by hand", r.Role, r.Account, r.Via))
			}
		}
	}
	switch {
	case len(added) == 0:
		app.note("nothing to change in " + tilde(path, app.Home))
		return nil
	case o.dryRun:
		app.note("nothing was changed: this was a dry run")
		return nil
	}
	if err := app.consent(ctx, "add "+count(len(added), "section")+" to "+tilde(path, app.Home), o.yes); err != nil {
		return err
	}
	if err := edit(true); err != nil {
		return err
	}
	app.note(fmt.Sprintf("added %s to %s; sign in with: %s sso login", count(len(added), "section"), tilde(path, app.Home), app.name()))
	return nil
}

// ssoCLIFiles are where aws-sso-cli has its config: of version 2, and before.
func (app *App) ssoCLIFiles() []string {
	dir := filepath.Join(app.Home, ".config")
	if base := app.Env["XDG_CONFIG_HOME"]; filepath.IsAbs(base) {
		dir = base
	}
	return []string{filepath.Join(dir, "aws-sso", "config.yaml"), filepath.Join(app.Home, ".aws-sso", "config.yaml")}
}

func (s newSection) what() string {
	var account, role string
	for _, p := range s.settings {
		switch p[0] {
		case "sso_account_id":
			account = p[1]
		case "sso_role_name":
			role = p[1]
		}
	}
	if role == "" {
		return ""
	}
	return fmt.Sprintf(": role %s in account %s", role, account)
}

// sectionsOf returns what the config lacks of the Identity Centers and their
// roles. A profile that uses a role has it, whatever its name.
func sectionsOf(now *config.Files, centers []foreign.SSO, o importOptions) (added []newSection, err error) {
	type role struct{ session, account, role string }
	used := map[role]bool{}
	for p, ok := range now.Profiles() {
		if ok {
			used[role{p.Get("sso_session"), p.Get("sso_account_id"), p.Get("sso_role_name")}] = true
		}
	}
	names := map[string]bool{}
	for _, c := range centers {
		if c.StartURL == "" || c.SSORegion == "" {
			return nil, usageErrorf("aws-sso-cli: %q has no StartUrl or no SSORegion", c.Name)
		}
		name := centerName(c.Name)
		s := now.Section("sso-session", name)
		if s != nil && s.Get("sso_start_url") != c.StartURL {
			name += "-aws-sso"
			s = now.Section("sso-session", name)
		}
		if s == nil {
			added = append(added, newSection{"sso-session", name, [][2]string{{"sso_start_url", c.StartURL}, {"sso_region", c.SSORegion}, {"sso_registration_scopes", "sso:account:access"}}})
		}
		for _, r := range c.Roles {
			profile := roleProfile(r)
			if r.Via != "" || !o.wants(profile) || used[role{name, r.Account, r.Role}] {
				continue
			}
			if now.Has(profile) || names[profile] {
				profile += "-" + r.Account // accounts may have the same name
			}
			if now.Has(profile) || names[profile] {
				return nil, usageErrorf("profile %q of aws-sso-cli: there is another one of that name", profile)
			}
			names[profile] = true
			settings := [][2]string{{"sso_session", name}, {"sso_account_id", r.Account}, {"sso_role_name", r.Role}}
			if r.Region != "" {
				settings = append(settings, [2]string{"region", r.Region})
			}
			added = append(added, newSection{"profile", profile, settings})
		}
	}
	return added, nil
}

// centerName is the name of a section for an Identity Center.
func centerName(name string) string {
	return profileName("{account}", assignment{account: sso.Account{Name: strings.ToLower(name)}})
}

// roleProfile is the name of the profile for a role: the one that aws-sso-cli
// was told, else as sync names it.
func roleProfile(r foreign.SSORole) string {
	a := assignment{sso.Account{ID: r.Account, Name: r.AccountName}, r.Role}
	if r.Profile != "" && !strings.Contains(r.Profile, "{{") {
		a.account.Name = r.Profile
		return profileName("{account}", a)
	}
	return profileName("{account}-{role}", a)
}
