package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/sso"
)

func (app *App) ssoCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "sso",
		Short: "sign in to and out of Identity Center, and write its profiles",
		Long: `sso signs in to IAM Identity Center, out of it, and writes a profile for each
account and role that it gives.`,
		Example: "  vault sso login\n  vault sso sync corp --dry-run\n  vault sso logout --all",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return &usageError{text: fmt.Sprintf("sso: no command %q", args[0]), hint: "there are: login, logout and sync"}
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(app.ssoLoginCommand(), app.ssoLogoutCommand(), app.ssoSyncCommand())
	return c
}

func (app *App) ssoLoginCommand() *cobra.Command {
	var o signInOptions
	c := &cobra.Command{
		Use:   "login [SESSION|PROFILE]",
		Short: "sign in to Identity Center",
		Long: `login signs in to the Identity Center of an sso-session section, or of a
profile. With a desktop the browser comes back by itself; over SSH, in
containers and with --no-browser you open the address anywhere and compare the
code.`,
		Example:           "  vault sso login\n  vault sso login corp\n  vault sso login prod --no-browser",
		Args:              app.atMost(0, 1, "SESSION"),
		ValidArgsFunction: app.completeSession,
		RunE: func(c *cobra.Command, args []string) error {
			return app.ssoLogin(c.Context(), strings.Join(args, ""), o)
		},
	}
	c.Flags().BoolVar(&o.noBrowser, "no-browser", false, "open no browser: show an address and a code")
	return c
}

func (app *App) ssoLogin(ctx context.Context, name string, o signInOptions) error {
	app.Arm()
	at, err := app.identityCenter(name)
	if err != nil {
		return err
	}
	o.asked = true
	if at.profile != nil {
		o.profile = at.profile.Name
	}
	t, err := app.tokens(app.ssoClient(at.profile, at.files, app.client(at.profile)), o)
	if err != nil {
		return err
	}
	got, err := t.SignIn(ctx, at.session)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("signed in to %s until %s", at.session, app.clock(got.Expires))
	if !got.Refresh.IsZero() {
		text += ", and renewed without asking"
	}
	app.note(text)
	return nil
}

// An identityCenter is a session that a command is about, and the profile that
// named it, nil if none did.
type identityCenter struct {
	session sso.Session
	profile *config.Profile
	files   *config.Files
}

// identityCenter finds the session that a name stands for: of a section, else
// of a profile; without a name that of this shell, else the only one.
func (app *App) identityCenter(name string) (identityCenter, error) {
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return identityCenter{}, err
	}
	if name != "" {
		return namedCenter(files, name)
	}
	if current := app.current(); current != nil {
		if at, err := namedCenter(files, current.Profile); err == nil {
			return at, nil
		}
	}
	all := allCenters(files)
	switch len(all) {
	case 0:
		return identityCenter{}, usageErrorf("the config has no sso-session section, and no profile with sso_start_url")
	case 1:
		return all[0], nil
	}
	names := make([]string, len(all))
	for i, at := range all {
		names[i] = at.word()
	}
	return identityCenter{}, &usageError{text: "there is more than one Identity Center", hint: "name one: " + strings.Join(names, ", ")}
}

// word is what to call the session by in an argument.
func (at identityCenter) word() string {
	if at.session.Name != "" || at.profile == nil {
		return at.session.String()
	}
	return at.profile.Name
}

func namedCenter(files *config.Files, name string) (identityCenter, error) {
	c, err := files.SSOSession(name)
	if err != nil {
		return identityCenter{}, err
	}
	if c != nil {
		return identityCenter{session: sso.SessionOf(c), files: files}, nil
	}
	at, err := profileCenter(files, name)
	if none := new(config.NotFoundError); errors.As(err, &none) && none.Name == name {
		return identityCenter{}, fmt.Errorf("no sso-session is named so, and %w", err)
	}
	return at, err
}

// profileCenter returns the session that a profile's credentials come from: its
// own, or that of the profile that its role is assumed from.
func profileCenter(files *config.Files, name string) (identityCenter, error) {
	chain, err := files.Chain(name)
	if err != nil {
		return identityCenter{}, err
	}
	for _, p := range slices.Backward(chain) {
		c, err := files.SSO(p)
		if err != nil {
			return identityCenter{}, err
		}
		if c != nil {
			return identityCenter{sso.SessionOf(c), p, files}, nil
		}
	}
	return identityCenter{}, usageErrorf("profile %q (%s) has nothing to do with Identity Center", name, chain[0].Where())
}

// allCenters returns the sessions that the config names, each once.
func allCenters(files *config.Files) []identityCenter {
	var all []identityCenter
	seen := map[string]bool{}
	add := func(at identityCenter) {
		if id := at.session.ID(); !seen[id] {
			seen[id] = true
			all = append(all, at)
		}
	}
	for _, name := range files.SSOSessions() {
		if c, err := files.SSOSession(name); err == nil && c != nil {
			add(identityCenter{session: sso.SessionOf(c), files: files})
		}
	}
	for _, name := range files.Names() {
		p, err := files.Profile(name)
		if err != nil || p.Get("sso_start_url") == "" {
			continue
		}
		if c, err := files.SSO(p); err == nil && c != nil {
			add(identityCenter{sso.SessionOf(c), p, files})
		}
	}
	return all
}

// completeSession offers the sso-session sections, and the profiles.
func (app *App) completeSession(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, at := range allCenters(files) {
		if name := at.word(); strings.HasPrefix(name, typed) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (app *App) ssoLogoutCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "logout [SESSION|PROFILE]",
		Short: "sign out of Identity Center",
		Long: `logout ends the sign-in at AWS and forgets it here, with the credentials of
roles that came from it. What a shell has already stays of use until it ends.`,
		Example:           "  vault sso logout\n  vault sso logout --all",
		Args:              app.atMost(0, 1, "SESSION"),
		ValidArgsFunction: app.completeSession,
		RunE: func(c *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return usageErrorf("sso logout: --all and %q exclude each other", args[0])
			}
			return app.ssoLogout(c.Context(), strings.Join(args, ""), all)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "of every Identity Center")
	return c
}

func (app *App) ssoLogout(ctx context.Context, name string, all bool) error {
	app.Arm()
	var list []identityCenter
	if all {
		files, err := config.Load(config.Locate(app.getenv, app.Home))
		if err != nil {
			return err
		}
		list = app.signIns(files)
	} else {
		at, err := app.identityCenter(name)
		if err != nil {
			return err
		}
		list = []identityCenter{at}
	}
	var failed error
	for _, at := range list {
		failed = errors.Join(failed, app.signOut(ctx, at, all))
	}
	return failed
}

// signIns returns the sessions that somebody may be signed in to: those that
// the config names, and those that it no longer does.
func (app *App) signIns(files *config.Files) []identityCenter {
	list := allCenters(files)
	for _, s := range app.sealedTokens().Sessions() {
		if !slices.ContainsFunc(list, func(at identityCenter) bool { return at.session.ID() == s.ID() }) {
			list = append(list, identityCenter{session: s, files: files})
		}
	}
	return list
}

// signOut signs out of one Identity Center.
func (app *App) signOut(ctx context.Context, at identityCenter, quiet bool) error {
	t, err := app.tokens(app.ssoClient(at.profile, at.files, app.client(at.profile)), signInOptions{})
	if err != nil {
		return err
	}
	info, _ := t.Own.Peek(at.session)
	had, err := t.SignOut(ctx, at.session)
	if untold := new(sts.CallError); errors.As(err, &untold) {
		// It is forgotten here all the same, and cannot be tried again.
		err = &hintError{fmt.Errorf("only here, not at AWS: %w", err), "nobody has its token any longer; at AWS it ends by itself, at " + app.clock(info.Expires)}
	}
	cache, drop := app.cache(app.sealingStore), app.cameFrom(at)
	app.stampGoneBy(ctx, cache.Headers(), drop)
	if _, dropErr := cache.DropFunc(ctx, drop); dropErr != nil {
		err = errors.Join(err, fmt.Errorf("sessions: %w", dropErr))
	}
	switch {
	case err != nil:
		return fmt.Errorf("sign out of %s: %w", at.session, err)
	case had:
		app.note(fmt.Sprintf("signed out of %s", at.session))
	case !quiet:
		app.note(fmt.Sprintf("nobody is signed in to %s", at.session))
	}
	if info, ok := t.Other.Peek(at.session); ok && info.Expires.After(app.Now()) {
		app.note(fmt.Sprintf("another program keeps a sign-in to %s too: end it with: aws sso logout", at.session))
	}
	return nil
}

// cameFrom returns what tells the cached sessions that came from a sign-in.
func (app *App) cameFrom(at identityCenter) func(sts.Header) bool {
	known := map[string]bool{}
	return func(h sts.Header) bool {
		from, ok := known[h.Profile]
		if !ok {
			source, err := profileCenter(at.files, h.Profile)
			from = err == nil && source.session.ID() == at.session.ID() || err != nil && h.Action == sts.SSORoleCredentials
			known[h.Profile] = from
		}
		return from
	}
}
