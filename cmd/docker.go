package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/shell"
)

func (app *App) dockerEnvCommand() *cobra.Command {
	var opts sessionOptions
	var at bool
	c := &cobra.Command{
		Use:   "docker-env [PROFILE]",
		Short: "print credentials for docker run --env-file",
		Long: `docker-env prints a profile's credentials as docker and podman read an
environment file: one variable a line, nothing quoted.

With --endpoint it prints where this shell's programs get theirs from, for a
container that shares this machine's network: what is served is renewed.`,
		Example: `  docker run --env-file <(vault docker-env prod) image
  docker run --network host --env-file <(vault docker-env --endpoint) image`,
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			if at {
				return app.dockerEndpoint(args)
			}
			name, err := app.profileArgument(c, args)
			if err != nil {
				return err
			}
			return app.dockerEnv(c.Context(), name, opts)
		},
	}
	opts.bind(c.Flags())
	opts.bindYes(c.Flags())
	c.Flags().BoolVar(&at, "endpoint", false, "print the endpoint of this shell, in place of credentials")
	app.completeFlags(c)
	return c
}

func (app *App) dockerEnv(ctx context.Context, name string, opts sessionOptions) error {
	r, t, err := app.credentials(ctx, name, opts, false)
	if err != nil {
		return err
	}
	app.notes(r)
	app.handedOut("docker-env", r, t)
	return app.printEnvFile(t.variables())
}

// dockerEndpoint prints the endpoint that this shell is switched to.
func (app *App) dockerEndpoint(args []string) error {
	old := app.current()
	switch {
	case len(args) > 0:
		return usageErrorf("docker-env: --endpoint is that of this shell: leave out %q", args[0])
	case old == nil || old.Server == "" || app.foreign(old) != "":
		return &hintError{fmt.Errorf("docker-env --endpoint: no credentials are served to this shell"), "have them served: " + app.name() + " use --serve PROFILE"}
	}
	env := shell.Env{}
	for _, name := range []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_VAULT"} {
		if value, ok := app.Env[name]; ok {
			env[name] = value
		}
	}
	return app.printEnvFile(env)
}

// printEnvFile prints variables as docker reads them (Docker CLI reference,
// "docker run --env-file"): to the end of the line, quotes and all.
func (app *App) printEnvFile(env shell.Env) error {
	var b strings.Builder
	for _, name := range env.Names() {
		if strings.ContainsAny(env[name], "\r\n") {
			return fmt.Errorf("docker-env: %s holds a line break, which this format cannot", name)
		}
		fmt.Fprintf(&b, "%s=%s\n", name, env[name])
	}
	_, err := fmt.Fprint(app.Stdout, b.String())
	return err
}
