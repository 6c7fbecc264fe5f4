package cmd

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
)

// A resolved profile is a profile with its plan.
type resolved struct {
	files *config.Files
	chain []*config.Profile
	plan  sts.Plan
}

func (r resolved) profile() *config.Profile { return r.chain[0] }

// resolve reads the config and plans; it opens no keystore and no connection.
func (app *App) resolve(name string, o switchFlags) (resolved, error) {
	files, err := config.LoadFor(config.Locate(app.getenv, app.Home), name)
	if err != nil {
		return resolved{}, err
	}
	return app.resolveIn(files, name, o)
}

func (app *App) resolveIn(files *config.Files, name string, o switchFlags) (resolved, error) {
	chain, err := files.Chain(name)
	if err != nil {
		return resolved{}, err
	}
	return app.resolveAs(files, chain, o, app.isSelf)
}

// resolveAs is resolve for a chain; self says which credential_process asks
// this program.
func (app *App) resolveAs(files *config.Files, chain []*config.Profile, o switchFlags, self func(profile, command string) bool) (resolved, error) {
	name := chain[0].Name
	if err := app.checkSettings(files, chain); err != nil {
		return resolved{}, err
	}
	stored, err := app.stored()
	if err != nil {
		return resolved{}, err
	}
	settings, err := app.ownSettings()
	if err != nil {
		return resolved{}, err
	}
	guarded := settings.For(name)
	options := sts.Options{
		Duration: o.Duration, ReadOnly: o.ReadOnly || guarded.ReadOnly, Account: guarded.AccountID, NoSession: o.NoSession, MFASerial: app.Env["AWS_MFA_SERIAL"],
		SessionName: sessionName(app.User, app.Host), Stored: stored, Region: app.regionOf(o, chain[0]), Self: self, SSO: files.SSO,
		Endpoint: func(p *config.Profile) string {
			url, _ := config.Endpoint(app.getenvBefore, p, files, "sts")
			return url
		},
	}
	for variable, field := range map[string]*time.Duration{
		"AWS_SESSION_TOKEN_TTL":         &options.SessionTTL,
		"AWS_CHAINED_SESSION_TOKEN_TTL": &options.ChainedTTL,
		"AWS_ASSUME_ROLE_TTL":           &options.RoleTTL,
	} {
		if *field, err = app.durationVariable(variable); err != nil {
			return resolved{}, err
		}
	}
	plan, err := sts.NewPlan(chain, options)
	if err != nil {
		return resolved{}, app.elsewhere(err)
	}
	return resolved{files, chain, plan}, nil
}

// elsewhere says of a key that is missing that another keystore has it.
func (app *App) elsewhere(err error) error {
	var source *sts.SourceError
	if !errors.As(err, &source) || !source.NoKey {
		return err
	}
	index, ierr := app.readIndex()
	e, ok := index.Keys[source.Profile]
	if ierr != nil || !ok {
		return err
	}
	return &hintError{err, otherBackend(backendOf(index, e))}
}

// checkSettings refuses what no call can be made with, where it stands.
func (app *App) checkSettings(files *config.Files, chain []*config.Profile) error {
	for _, p := range chain {
		if v, ok := p.Lookup("region"); ok && v.Text != "" && !isRegion(v.Text) {
			return &sts.SettingError{Value: v, Key: "region", Why: "is not the name of a region"}
		}
		if _, err := files.Services(p); err != nil {
			return err
		}
		if text, origin := config.Endpoint(app.getenvBefore, p, files, "sts"); text != "" {
			u, err := url.Parse(text)
			if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
				return usageErrorf("%s: %q is not a URL such as https://sts.example.com", origin, text)
			}
		}
	}
	return nil
}

// getenvBefore reads a variable as it was before the first switch: another
// profile's endpoint is not this one's.
func (app *App) getenvBefore(name string) (string, bool) {
	if value := before(app.Env, app.current(), name); value != "" {
		return value, true
	}
	return "", false
}

func (app *App) durationVariable(name string) (time.Duration, error) {
	text := app.Env[name]
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, usageErrorf("%s=%q is not a duration such as 90m or 1h30m", name, text)
	}
	return d, nil
}

// sessionName is the role session name of who is at this machine, in the
// characters that AWS allows (AWS STS API Reference, AssumeRole).
func sessionName(user, host string) string {
	host, _, _ = strings.Cut(host, ".")
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=,.@-", r) {
			return r
		}
		return '-'
	}, user+"@"+host)
	if len(name) > 64 {
		name = name[:64]
	}
	return name
}

// regionOf returns the region of a switch: the flag's, else the profile's own,
// else the one from before the first switch.
func (app *App) regionOf(o switchFlags, p *config.Profile) string {
	if o.Region != "" {
		return o.Region
	}
	if r := p.Region(); r != "" {
		return r
	}
	old := app.current()
	if r := before(app.Env, old, "AWS_REGION"); r != "" {
		return r
	}
	return before(app.Env, old, "AWS_DEFAULT_REGION")
}
