package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"github.com/shellvault/vault/sts"
)

// resolvingVariable names the profiles whose credential_process is running:
// one of them that leads back here is a loop.
const resolvingVariable = "__VAULT_RESOLVING"

// process runs a profile's credential_process.
func (app *App) process(ctx context.Context, s sts.Step) (sts.Credentials, error) {
	out, err := app.printed(ctx, s, "credential_process")
	defer clear(out)
	if err != nil {
		return sts.Credentials{}, err
	}
	got, err := sts.ParseProcess(out, app.Now())
	if err != nil {
		return sts.Credentials{}, fmt.Errorf("profile %q: credential_process: %w", s.Profile, err)
	}
	return got, nil
}

// printed runs the command of a step, which the setting names, and returns
// what it prints.
func (app *App) printed(ctx context.Context, s sts.Step, setting string) ([]byte, error) {
	resolving := app.Env[resolvingVariable]
	if slices.Contains(strings.Split(resolving, ","), s.Profile) {
		return nil, usageErrorf("profile %q: its %s leads back to itself", s.Profile, setting)
	}
	env := maps.Clone(app.Env)
	for _, name := range ownSecrets {
		delete(env, name)
	}
	env[resolvingVariable] = strings.TrimPrefix(resolving+","+s.Profile, ",")
	app.Arm()
	out, err := app.Command(ctx, s.Command, env.Environ())
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		err = context.Canceled
	case errors.As(err, &exit):
		err = fmt.Errorf("profile %q: its %s ended with %s", s.Profile, setting, exit)
	case err != nil:
		err = fmt.Errorf("profile %q: %s: %w", s.Profile, setting, err)
	}
	return out, err
}

// isSelf reports whether a command asks this program for the profile's
// credentials: such a profile has them from somewhere else.
func (app *App) isSelf(profile, command string) bool {
	return app.isOurs(command) && slices.Contains(shellWords(command)[2:], profile)
}
