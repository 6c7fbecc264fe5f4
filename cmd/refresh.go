package cmd

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/shell"
)

func (app *App) refreshCommand() *cobra.Command {
	var opts struct {
		sessionOptions
		shell string
		force bool
	}
	c := &cobra.Command{
		Use:     "refresh",
		Short:   "renew the credentials of this shell",
		Long:    "refresh renews the credentials in use when they are about to expire, and at once with --force. A region that you exported since the switch stays.",
		Example: "  vault refresh\n  vault refresh --force",
		Args:    app.atMost(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			return app.refresh(c.Context(), opts.sessionOptions, opts.shell, opts.force)
		},
	}
	bindShell(c, &opts.shell)
	c.Flags().BoolVar(&opts.force, "force", false, "renew even what is fresh")
	c.Flags().StringVar(&opts.mfaCode, "mfa-code", "", "the MFA `CODE`, in place of being asked")
	opts.bindYes(c.Flags())
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
	if end := old.forEnd(); !end.IsZero() && !app.Now().Before(end) {
		return &hintError{
			fmt.Errorf("refresh: the %s for %q are over: its credentials are not renewed", roughly(old.Flags.For), old.Profile),
			"start again with: " + app.name() + " use " + word(old.Profile),
		}
	}
	began := app.Now().Truncate(time.Second)
	session.switchFlags, session.confirmed = old.Flags, old.confirmed()
	if !force && !old.Due.IsZero() && !app.Now().Before(old.Due) {
		// It is time, unless another shell has renewed them already.
		r, err := app.resolve(old.Profile, old.Flags)
		if err != nil {
			return err
		}
		_, renewed := hook{App: app}.newer(ctx, r, old)
		force = !renewed
	}
	r, t, err := app.credentials(ctx, old.Profile, session, force)
	if err != nil {
		return err
	}
	if old.Flags.Dynamic {
		if t.dynamic, err = app.startDynamic(old.Profile, session, t.shown.Protected); err != nil {
			return err
		}
	}
	again := false
	if old.Server != "" {
		if t.served = app.renewServer(old); t.served == nil {
			if t.served, err = app.startServer(r, t, session, forShell, os.Getppid()); err != nil {
				return err
			}
			again = true
		}
	}
	now, want, keep := app.renewal(r, t, old)
	app.notes(r)
	app.stampSwitch(now)
	say := "renewed "
	if again {
		say = "again: "
	} else if now.Key == "" && t.creds.Issued.Before(began) || now.Key == old.Key && now.Key != "" {
		say = "still fresh: "
	}
	if err := app.print(d, old, now, want, keep, say+app.until(t)); err != nil {
		return err
	}
	if now.Key != old.Key || now.Server != old.Server {
		app.handedOut("refresh", r, t)
	}
	return nil
}

// renewal is the switch old with new credentials: its state, its variables, and
// those of them that are the user's own by now.
func (app *App) renewal(r resolved, t target, old *state) (now *state, want shell.Env, keep []string) {
	now, want = app.newState(r, t, old.Flags), t.variables()
	now.Prev, now.Back, now.Inside = old.Prev, old.Back, old.Inside
	now.endFor(old.forEnd())
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if _, set := old.Set[name]; set && !old.ours(app.Env, name) {
			keep = append(keep, name)
		} else if _, exported := app.Env[name]; !set && exported {
			delete(want, name) // exported since a switch without a region
		}
	}
	return now, want, keep
}
