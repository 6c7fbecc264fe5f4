package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (app *App) refreshCommand() *cobra.Command {
	var opts struct {
		shell   string
		mfaCode string
		force   bool
	}
	c := &cobra.Command{
		Use:     "refresh",
		Short:   "renew the credentials of this shell",
		Long:    "refresh renews the credentials in use when they are about to expire, and at once with --force. A region that you exported since the switch stays.",
		Example: "  vault refresh\n  vault refresh --force",
		Args:    app.atMost(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			session := sessionOptions{mfaCode: opts.mfaCode}
			if err := session.check(); err != nil {
				return err
			}
			return app.refresh(c.Context(), session, opts.shell, opts.force)
		},
	}
	bindShell(c, &opts.shell)
	c.Flags().BoolVar(&opts.force, "force", false, "renew even what is fresh")
	c.Flags().StringVar(&opts.mfaCode, "mfa-code", "", "the MFA `CODE`, in place of being asked")
	return c
}

func (app *App) refresh(ctx context.Context, session sessionOptions, shellFlag string, force bool) error {
	d, err := app.evaluator("refresh", shellFlag)
	if err != nil {
		return err
	}
	old := app.current()
	if old == nil {
		return app.errNotInUse("refresh")
	}
	if name := app.foreign(old); name != "" {
		return &hintError{
			fmt.Errorf("refresh: %s is no longer as %q left it: the credentials are not vault's to renew", name, old.Profile),
			"take them back with: " + app.name() + " use " + word(old.Profile),
		}
	}
	session.switchFlags = old.Flags
	r, t, err := app.credentials(ctx, old.Profile, session, force)
	if err != nil {
		return err
	}
	now := newState(r, t, old.Flags)
	now.Prev = old.Prev
	app.notes(r)
	want := t.variables()
	var keep []string
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if _, set := old.Set[name]; set && !old.ours(app.Env, name) {
			keep = append(keep, name)
		} else if _, exported := app.Env[name]; !set && exported {
			delete(want, name) // exported since a switch without a region
		}
	}
	say := "renewed "
	if now.Key == old.Key {
		say = "still fresh: "
	}
	return app.print(d, old, now, want, keep, say+app.until(t))
}
