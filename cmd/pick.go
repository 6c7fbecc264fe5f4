package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
)

// Heads of a menu of profiles.
const (
	headSession   = "SESSION"
	headProtected = "NOTE"
)

// profileArgument returns the profile that args name, or has a person choose
// one. Where nobody can, it is missing.
func (app *App) profileArgument(c *cobra.Command, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	return app.pick(c, app.profileMenu)
}

// pick has a person choose a profile from a menu, for the command c.
func (app *App) pick(c *cobra.Command, makeMenu func() (Menu, error)) (string, error) {
	missing := &usageError{text: c.Name() + ": PROFILE is missing", hint: "usage: " + app.usage(c)}
	terminal, ok := app.Terminal.(Chooser)
	if !ok || app.unattended || !terminal.Present() {
		return "", missing
	}
	settings, err := app.ownSettings()
	if err != nil {
		return "", err
	}
	menu, err := makeMenu()
	if err != nil {
		return "", err
	}
	if len(menu.Names) == 0 {
		return "", &usageError{text: c.Name() + ": there is no profile to choose from", hint: "store a key with: " + app.name() + " add PROFILE"}
	}
	app.Arm()
	i, err := app.chooseProfile(c.Context(), terminal, settings.Picker, menu)
	if errors.Is(err, errNoTerminal) {
		return "", missing
	}
	if err != nil {
		return "", err
	}
	return menu.Names[i], nil
}

// chooseProfile has the menu shown by what the picker setting names, else by fzf if
// it is installed, else by vault itself.
func (app *App) chooseProfile(ctx context.Context, terminal Chooser, picker string, m Menu) (int, error) {
	if picker == config.PickerList || isDumb(app.Env["TERM"]) {
		return app.chooseByNumber(ctx, terminal, m)
	}
	if picker != config.PickerBuiltin {
		fzf, err := lookPath("fzf", app.Env["PATH"])
		switch {
		case err == nil && strings.HasPrefix(fzf, "/"): // not one that lies in this folder by chance
			i, err := terminal.ChooseBy(ctx, fzf, app.fzfEnviron(), m)
			var broken *programError
			if !errors.As(err, &broken) {
				return i, err
			}
			app.note(broken.Error())
		case picker == config.PickerFzf:
			app.note(fmt.Sprintf("picker = %q in %s, which is not on PATH", picker, tilde(app.settingsFile(), app.Home)))
		}
	}
	return terminal.Choose(ctx, m)
}

// isDumb reports whether a terminal can show nothing but lines.
func isDumb(term string) bool { return term == "" || term == "dumb" || term == "unknown" }

// profileMenu returns the menu of all profiles.
func (app *App) profileMenu() (Menu, error) {
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return Menu{}, err
	}
	return app.menu(files, files.Names())
}

// keyMenu returns the menu of the profiles with stored keys.
func (app *App) keyMenu() (Menu, error) {
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return Menu{}, err
	}
	index, err := app.readIndex()
	if err != nil {
		return Menu{}, err
	}
	return app.menu(files, sortedKeys(index.Keys))
}

// menu returns the menu of profiles: first those that were used.
func (app *App) menu(files *config.Files, names []string) (Menu, error) {
	settings, err := app.ownSettings()
	if err != nil {
		return Menu{}, err
	}
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
	}
	first := slices.DeleteFunc(app.byUse(), func(name string) bool { return !known[name] })
	for _, name := range first {
		delete(known, name)
	}
	rest := slices.DeleteFunc(names, func(name string) bool { return !known[name] })
	m := Menu{
		Names: slices.Concat(first, rest), Recent: len(first), Color: app.Env["NO_COLOR"] == "",
		Heads: []string{"ACCOUNT", "ROLE", "REGION", headSession, headProtected},
	}
	sessions := app.sessionEnds()
	current := app.current()
	m.Details = func(i int) []string {
		name := m.Names[i]
		var account, role, region string
		if p, err := files.Profile(name); err == nil {
			account, role, region = outline(p)
		}
		own := settings.For(name)
		if own.Account != "" {
			account = strings.TrimSpace(own.Account + " " + account)
		}
		var left string
		if d := sessions[name].Sub(app.Now()); d > 0 {
			left = roughly(d)
		}
		var notes []string
		if own.Protected {
			notes = append(notes, "protected")
		}
		if current != nil && current.Profile == name {
			notes = append(notes, "in use here")
		}
		return []string{account, role, region, left, strings.Join(notes, ", ")}
	}
	return m, nil
}

// sessionEnds returns when the cached sessions of each profile end.
func (app *App) sessionEnds() map[string]time.Time {
	ends := map[string]time.Time{}
	for _, h := range app.cache(nil).Headers() {
		if h.Expires.After(ends[h.Profile]) {
			ends[h.Profile] = h.Expires
		}
	}
	return ends
}

// outline returns what a profile leads to, as far as the files say.
func outline(p *config.Profile) (account, role, region string) {
	role = p.Get("role_arn")
	for _, a := range []string{accountOf(role), accountOf(p.Get("mfa_serial")), p.Get("sso_account_id")} {
		if account == "" {
			account = a
		}
	}
	if _, name, ok := strings.Cut(role, ":role/"); ok {
		role = name
	} else if role == "" {
		role = p.Get("sso_role_name")
	}
	return account, role, p.Region()
}
