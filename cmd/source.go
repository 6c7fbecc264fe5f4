package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// webIdentity returns the token that a role is assumed with.
func (app *App) webIdentity(ctx context.Context, s sts.Step) (keystore.Secret, error) {
	if s.Command != "" {
		out, err := app.printed(ctx, s, "web_identity_token_process")
		defer clear(out)
		if err != nil {
			return keystore.Secret{}, err
		}
		token, err := sts.ParseToken(out)
		if err != nil {
			return keystore.Secret{}, fmt.Errorf("profile %q: what its web_identity_token_process printed %w", s.Profile, err)
		}
		return token, nil
	}
	token, err := sts.ReadToken(app.path(s.TokenFile))
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("profile %q: web_identity_token_file %w", s.Profile, err)
	}
	return token, nil
}

// path expands a leading "~" in the path that a setting names.
func (app *App) path(setting string) string {
	if setting == "~" {
		return app.Home
	}
	if rest, ok := strings.CutPrefix(setting, "~/"); ok {
		return filepath.Join(app.Home, rest)
	}
	return setting
}

// environment returns the credentials that this shell had before a switch.
func (app *App) environment() (sts.Credentials, error) {
	if old := app.current(); old != nil && app.Env["AWS_ACCESS_KEY_ID"] == old.Key {
		return sts.Credentials{}, &hintError{
			fmt.Errorf("AWS_ACCESS_KEY_ID in this shell is vault's own (profile %q)", old.Profile),
			"leave it first, so that the shell has its own again: " + app.name() + " off",
		}
	}
	id, value := app.Env["AWS_ACCESS_KEY_ID"], app.Env["AWS_SECRET_ACCESS_KEY"]
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if app.Env[name] == "" {
			return sts.Credentials{}, fmt.Errorf("%s is not set", name)
		}
	}
	c := sts.Credentials{AccessKeyID: id, SecretAccessKey: keystore.NewSecret(value), SessionToken: keystore.NewSecret(app.Env["AWS_SESSION_TOKEN"])}
	if c.SessionToken.IsZero() {
		c.SessionToken = keystore.NewSecret(app.Env["AWS_SECURITY_TOKEN"]) // its old name
	}
	return c, nil
}

// credentialSource returns what the environment or the machine gives.
func (app *App) credentialSource(ctx context.Context, p *config.Profile, s sts.Step) (got sts.Credentials, err error) {
	app.Arm()
	machine := sts.Machine{Now: app.Now}
	switch s.Source {
	case sts.Environment:
		got, err = app.environment()
	case sts.Ec2InstanceMetadata:
		if disabled, _ := app.getenvBefore("AWS_EC2_METADATA_DISABLED"); strings.EqualFold(disabled, "true") {
			err = errors.New("AWS_EC2_METADATA_DISABLED is true")
			break
		}
		machine.Metadata = app.metadata(p)
		got, err = machine.Instance(ctx)
	case sts.EcsContainer:
		got, err = app.container(ctx, machine)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("profile %q: credential_source %s: %w", s.Profile, s.Source, err)
	}
	return got, err
}

// metadata returns the URL of the instance's metadata service, "" for AWS's
// usual one.
func (app *App) metadata(p *config.Profile) string {
	setting := func(variable, key string) string {
		if value, ok := app.getenvBefore(variable); ok {
			return value
		}
		return p.Get(key)
	}
	if u := setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint"); u != "" {
		return u
	}
	if strings.EqualFold(setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"), "ipv6") {
		return sts.InstanceMetadata6
	}
	return ""
}

// container asks the endpoint of the container that this runs in.
func (app *App) container(ctx context.Context, machine sts.Machine) (sts.Credentials, error) {
	relative, _ := app.getenvBefore("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
	full, _ := app.getenvBefore("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	endpoint, err := sts.ContainerURL(relative, full)
	if err != nil {
		return sts.Credentials{}, err
	}
	token := keystore.NewSecret(app.Env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
	if file, ok := app.getenvBefore("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); ok {
		if token, err = sts.ReadToken(file); err != nil {
			return sts.Credentials{}, fmt.Errorf("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE %w", err)
		}
	} else if old := app.current(); old != nil {
		if was, saved := old.Was["AWS_CONTAINER_AUTHORIZATION_TOKEN"]; saved && was == nil && token.IsZero() {
			return sts.Credentials{}, &hintError{
				errors.New("AWS_CONTAINER_AUTHORIZATION_TOKEN is put away while this shell is switched"),
				"leave it first: " + app.name() + " off",
			}
		}
	}
	return machine.Container(ctx, endpoint, token)
}
