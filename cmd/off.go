package cmd

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/shell"
)

// errNotInUse reports a command that needs a switched shell.
func (app *App) errNotInUse(command string) error {
	return &hintError{fmt.Errorf("%s: no profile is in use in this shell", command), "use one with: " + app.name() + " use PROFILE"}
}

func (app *App) offCommand() *cobra.Command {
	var flag string
	c := &cobra.Command{
		Use:     "off",
		Short:   "leave: everything as it was before",
		Long:    "off puts every variable back as it was before the first use in this shell. What you changed yourself since then stays.",
		Example: "  vault off",
		Args:    atMost(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			d, err := app.evaluator("off", flag)
			if err != nil {
				return err
			}
			old := app.current()
			if _, set := app.Env[stateVariable]; old == nil && set {
				app.note("this shell was switched by another version of vault: what it changed stays; open a new shell")
				return exitError(exitFailed)
			}
			if old == nil {
				app.note("no profile is in use in this shell")
				return nil
			}
			return app.emit(d, undo(app.Env, old))
		},
	}
	bindShell(c, &flag)
	return c
}

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
		Args:    atMost(0, 0, ""),
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

func (app *App) regionCommand() *cobra.Command {
	var flag string
	c := &cobra.Command{
		Use:     "region REGION",
		Short:   "change the region of this shell",
		Long:    "region changes AWS_REGION and AWS_DEFAULT_REGION of a shell that uses a profile; the credentials stay.",
		Example: "  vault region eu-west-1",
		Args:    atMost(1, 1, "REGION"),
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := app.evaluator("region", flag)
			if err != nil {
				return err
			}
			if !isRegion(args[0]) {
				return usageErrorf("region: %q is not the name of a region", args[0])
			}
			old := app.current()
			if old == nil {
				return app.errNotInUse("region")
			}
			now := *old
			now.Set, now.Was = maps.Clone(old.Set), maps.Clone(old.Was)
			now.Flags.Region = args[0]
			s := shell.Switch{ID: old.ID, Set: shell.Env{}}
			for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
				record(app.Env, old, &now, &s, name)
				s.Set[name], now.Set[name] = args[0], digest(args[0])
			}
			s.Set[stateVariable] = now.String()
			s.Say = "vault: region " + args[0]
			return app.emit(d, s)
		},
	}
	bindShell(c, &flag)
	c.ValidArgsFunction = completeRegion
	return c
}

// clock prints a time of day for a person; with its date if that is not today.
func (app *App) clock(t time.Time) string {
	now := app.Now().Local()
	t = t.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("Mon 15:04")
}
