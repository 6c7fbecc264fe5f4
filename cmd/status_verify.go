package cmd

import (
	"context"
	"fmt"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// callerHere asks AWS whose the credentials are that a program gets in this
// shell.
func (app *App) callerHere(ctx context.Context, current *state, p *config.Profile, region string) (sts.Caller, error) {
	app.Arm()
	with, err := app.credentialsHere(ctx, current)
	if err != nil {
		return sts.Caller{}, err
	}
	endpoint := app.Env["AWS_ENDPOINT_URL_STS"]
	if endpoint == "" {
		endpoint = app.Env["AWS_ENDPOINT_URL"]
	}
	if region == "" {
		region = "us-east-1"
	}
	return app.client(p).Caller(ctx, with, region, endpoint)
}

// credentialsHere gets the credentials of this shell as a program in it does:
// from the environment, by the config of ours, or from where they are served.
func (app *App) credentialsHere(ctx context.Context, current *state) (sts.Credentials, error) {
	if id := app.Env["AWS_ACCESS_KEY_ID"]; id != "" {
		return sts.Credentials{
			AccessKeyID:     id,
			SecretAccessKey: keystore.NewSecret(app.Env["AWS_SECRET_ACCESS_KEY"]),
			SessionToken:    keystore.NewSecret(app.Env["AWS_SESSION_TOKEN"]),
		}, nil
	}
	if name := app.Env["AWS_PROFILE"]; name != "" && current != nil && current.Flags.Dynamic && current.ours(app.Env, "AWS_CONFIG_FILE") {
		if !exists(app.Env["AWS_CONFIG_FILE"]) {
			return sts.Credentials{}, &hintError{fmt.Errorf("status --verify: the config of this shell is gone"), "make another with: " + app.name() + " refresh"}
		}
		o := sessionOptions{}
		if name == current.Profile {
			o.switchFlags, o.confirmed = current.Flags, current.confirmed()
		}
		_, t, err := app.credentials(ctx, name, o, false)
		return t.creds, err
	}
	if app.Env["AWS_PROFILE"] == "" && app.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] != "" {
		got, err := app.servedHere(ctx)
		if err != nil {
			err = &hintError{fmt.Errorf("status --verify: what is served to this shell: %w", err), "renew it with: " + app.name() + " refresh"}
		}
		return got, err
	}
	return sts.Credentials{}, &hintError{fmt.Errorf("status --verify: there are no credentials in this shell"), "use a profile with: " + app.name() + " use PROFILE"}
}

// servedHere asks the endpoint that this environment names, with its token.
func (app *App) servedHere(ctx context.Context) (sts.Credentials, error) {
	url, err := sts.ContainerURL("", app.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
	if err != nil {
		return sts.Credentials{}, err
	}
	return sts.Machine{Now: app.Now}.Container(ctx, url, keystore.NewSecret(app.Env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]))
}

// describeServed says where programs of a switch get credentials from that has
// none in the environment.
func (app *App) describeServed(st *statusJSON, current *state) {
	if current.Server != "" && current.ours(app.Env, "AWS_CONTAINER_CREDENTIALS_FULL_URI") {
		st.Served = app.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
		if _, runs := app.runningServer(current.Server); !runs {
			st.gone = "server"
		}
	}
	if current.Flags.Dynamic && current.ours(app.Env, "AWS_CONFIG_FILE") {
		if st.Config = app.Env["AWS_CONFIG_FILE"]; !exists(st.Config) {
			st.gone = "config"
		}
	}
}
