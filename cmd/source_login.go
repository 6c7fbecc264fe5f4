package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/login"
)

// loginSession returns the credentials of a sign-in by "aws login".
func (app *App) loginSession(ctx context.Context, files *config.Files, s sts.Step) (sts.Credentials, error) {
	app.Arm()
	p, err := files.Profile(s.Profile)
	if err != nil {
		return sts.Credentials{}, err
	}
	options := app.clientOptions(p)
	c := app.logins(p)
	c.Caller, c.FIPS, c.Dual, c.Note = app.client(p), options.FIPS, options.DualStack, app.note
	c.Endpoint, _ = config.Endpoint(app.getenvBefore, p, files, "signin")
	got, err := c.Credentials(ctx, s.Login)
	if signedOut := new(login.Error); errors.As(err, &signedOut) {
		return sts.Credentials{}, &hintError{personNeeded{fmt.Errorf("profile %q: %w", s.Profile, err)}, "sign in with: aws login --profile " + word(s.Profile)}
	}
	return got, err
}

// personNeeded is an error that a person can help, though not by what vault
// could ask for.
type personNeeded struct{ error }

// Is makes it one of those that have no other way out.
func (personNeeded) Is(target error) bool { return target == errNoTerminal }

func (e personNeeded) Unwrap() error { return e.error }

// logins is the folder where the AWS CLI keeps sign-ins of the profile's
// region.
func (app *App) logins(p *config.Profile) *login.Cache {
	c := &login.Cache{Dir: filepath.Join(app.Home, ".aws", "login", "cache"), Now: app.Now, Region: app.regionOf(switchFlags{}, p)}
	if dir, ok := app.getenvBefore("AWS_LOGIN_CACHE_DIRECTORY"); ok {
		c.Dir = app.path(os.Expand(dir, func(name string) string { return app.Env[name] }))
	}
	if partition, ok := config.PartitionOfARN(p.Get("login_session")); ok {
		c.Region = cmp.Or(c.Region, partition.STSRegion)
	}
	c.Lock = func(ctx context.Context, id string) (func(), error) {
		return app.flightAt(ctx, app.flightFileOf("login-"+id), flightTimeout, func() bool { return false })
	}
	return c
}

// hasLogin reports whether there is a sign-in for a step. Whether AWS still
// renews it only AWS can tell.
func (app *App) hasLogin(files *config.Files, s sts.Step) bool {
	p, err := files.Profile(s.Profile)
	if err != nil {
		return false
	}
	_, ok := app.logins(p).Expires(s.Login)
	return ok
}
