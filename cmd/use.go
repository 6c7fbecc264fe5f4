package cmd

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/shell"
)

// isRegion reports whether s has the form of a region's name (AWS General
// Reference, "Regions and zones"), as us-gov-west-1: those to come have it too.
func isRegion(s string) bool {
	words := strings.Split(s, "-")
	for i, w := range words {
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || i == 0 && (len(w) < 2 || strings.ContainsAny(w, "0123456789")) {
			return false
		}
	}
	return len(words) > 1
}

type useOptions struct {
	sessionOptions
	shell string
}

func (app *App) useCommand() *cobra.Command {
	var opts useOptions
	c := &cobra.Command{
		Use:   "use [PROFILE|-]",
		Short: "switch this shell to a profile",
		Long: `use gives this shell short-lived credentials for a profile, in place of
those that it has. "-" is the profile before. With --for the shell leaves by
itself when the time is up, or goes back to the profile that it had.
Without a profile, in a terminal, one is chosen from a list.

The shell function that "vault init" defines runs it; without one it is
  eval "$(vault use PROFILE)"`,
		Example: `  vault use prod
  vault use prod --region eu-west-1 --duration 4h
  vault use prod --for 30m
  vault use -`,
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			if opts.Serve && opts.Dynamic {
				return usageErrorf("use: --serve and --dynamic are two ways to the same: one will do")
			}
			if _, err := app.evaluator("use", opts.shell); err != nil {
				return err // before somebody chooses in vain
			}
			name, err := app.profileArgument(c, args)
			if err != nil {
				return err
			}
			return app.use(c.Context(), name, opts, c.Flags().Changed)
		},
	}
	opts.bind(c.Flags())
	opts.bindYes(c.Flags())
	c.Flags().BoolVar(&opts.Dynamic, "dynamic", false, "give programs a config by which they get credentials of every profile, always fresh, in place of exporting them")
	c.Flags().BoolVar(&opts.Serve, "serve", false, "serve the credentials to this shell's programs, always fresh, in place of exporting them")
	c.Flags().DurationVar(&opts.For, "for", 0, "leave by itself after that time")
	bindShell(c, &opts.shell)
	app.completeFlags(c)
	return c
}

// bindShell binds --shell, for those who evaluate the output themselves.
func bindShell(c *cobra.Command, value *string) {
	c.Flags().StringVar(value, "shell", "", "print code for this `SHELL`: zsh, bash or fish (default: the one that runs vault)")
}

// evaluator returns the shell that evaluates stdout, or an error where none
// does.
func (app *App) evaluator(command, flag string) (shell.Dialect, error) {
	if app.function != "" {
		app.EvalMode()
		return app.dialect, nil
	}
	name := flag
	if name == "" {
		name = app.Parent()
	}
	d, err := shell.ParseDialect(name)
	if err != nil && flag != "" {
		return "", err
	}
	if app.StdoutTTY {
		return "", &notLoadedError{"vault " + command, d}
	}
	if err != nil {
		return "", &usageError{
			text: fmt.Sprintf("%s: cannot tell which shell evaluates this: the parent is %q", command, name),
			hint: "say it with --shell zsh, bash or fish",
		}
	}
	app.dialect = d
	app.EvalMode()
	return d, nil
}

func (app *App) use(ctx context.Context, name string, opts useOptions, changed func(string) bool) error {
	d, err := app.evaluator("use", opts.shell)
	if err != nil {
		return err
	}
	old := app.current()
	if name == "-" {
		prev, err := app.previous(old)
		if err != nil {
			return err
		}
		name = prev.Profile
		opts.switchFlags = merge(prev.Flags, opts.switchFlags, changed)
	}
	if err := checkProfileName(name); err != nil {
		return err
	}
	r, t, err := app.credentials(ctx, name, opts.sessionOptions, false)
	if err != nil {
		return err
	}
	app.used(name)
	opts.ReadOnly = t.readOnly
	if opts.Dynamic {
		if t.dynamic, err = app.startDynamic(name, opts.sessionOptions, t.shown.Protected); err != nil {
			return err
		}
	}
	if opts.Serve {
		if t.served, err = app.startServer(r, t, opts.sessionOptions, forShell, os.Getppid()); err != nil {
			return err
		}
	}
	now := app.newState(r, t, opts.switchFlags)
	now.Inside = app.insideOf(old, name)
	if opts.For != 0 {
		now.endFor(app.Now().Add(opts.For).Truncate(time.Second))
	}
	if old != nil {
		now.Prev = old.Prev
		// Not to one that was itself for a time: that would begin anew.
		now.Back = old.Profile != name && old.Flags.For == 0
		if old.Profile != name || old.Flags != opts.switchFlags {
			now.Prev = &previous{old.Profile, old.Flags}
		}
	} else if last, ok := parseState(app.Env[lastVariable]); ok && last.Profile != name {
		now.Prev = &previous{last.Profile, last.Flags}
	}
	app.notes(r)
	app.stampSwitch(now)
	say := "using " + app.until(t)
	if opts.For != 0 && now.End.Equal(now.forEnd()) {
		say = fmt.Sprintf("using %s for %s, until %s", name, roughly(opts.For), app.clock(now.End))
	}
	if err := app.print(d, old, now, t.variables(), nil, say); err != nil {
		return err
	}
	app.handedOut("use", r, t)
	app.stopServerOf(old)
	return nil
}

// merge lays the flags that were typed over those of an earlier switch.
func merge(flags, typed switchFlags, changed func(string) bool) switchFlags {
	for name, take := range map[string]func(){
		"region":     func() { flags.Region = typed.Region },
		"duration":   func() { flags.Duration = typed.Duration },
		"min-ttl":    func() { flags.MinTTL = typed.MinTTL },
		"no-session": func() { flags.NoSession = typed.NoSession },
		"read-only":  func() { flags.ReadOnly = typed.ReadOnly },
		"serve":      func() { flags.Serve, flags.Dynamic = typed.Serve, typed.Dynamic },
		"dynamic":    func() { flags.Serve, flags.Dynamic = typed.Serve, typed.Dynamic },
		"for":        func() { flags.For = typed.For },
	} {
		if changed(name) {
			take()
		}
	}
	return flags
}

// previous returns the switch that "-" stands for: the one before this, or,
// after off, the last one.
func (app *App) previous(old *state) (previous, error) {
	if old != nil && old.Prev != nil {
		return *old.Prev, nil
	}
	if old == nil {
		if last, ok := parseState(app.Env[lastVariable]); ok {
			return previous{last.Profile, last.Flags}, nil
		}
	}
	return previous{}, &hintError{fmt.Errorf("use -: this shell has no profile before"), "name one: " + app.name() + " use PROFILE"}
}

// notes prints what the plan has to say.
func (app *App) notes(r resolved) {
	for _, line := range r.plan.Notes {
		app.note(line)
	}
}

// until says which profile, and to when.
func (app *App) until(t target) string {
	text := t.profile
	if t.readOnly {
		text += " for reading only"
	}
	end := t.creds.Expires
	switch { // they are renewed elsewhere
	case t.served != nil:
		text, end = text+", served", time.Time{}
	case t.dynamic != nil:
		text, end = text+", which programs ask vault for", time.Time{}
	}
	if !t.until.IsZero() && (end.IsZero() || t.until.Before(end)) {
		end = t.until
	}
	if !end.IsZero() {
		text += " until " + app.clock(end)
	}
	return text
}

// print prints the switch from old to now as code for the shell.
func (app *App) print(d shell.Dialect, old, now *state, want shell.Env, keep []string, say string) error {
	s := change(app.Env, old, want, now, keep)
	s.Set[stateVariable] = now.String()
	s.Say = "vault: " + say
	return app.emit(d, s)
}

func (app *App) emit(d shell.Dialect, s shell.Switch) error {
	_, s.Distrust = app.Env[savedVariable]
	code, err := d.Format(s)
	if err != nil {
		return err
	}
	app.out.WriteString(strings.TrimRight(code, "\n"))
	if app.function == "" {
		app.out.WriteByte('\n')
	}
	return nil
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
