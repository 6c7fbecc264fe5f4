package cmd

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts/sso"
)

// signInOptions say how a person is asked to sign in.
type signInOptions struct {
	profile   string // that needs it, "" for none
	noBrowser bool   // shows the address and opens nothing
	asked     bool   // signing in is all that the user wants
}

// browses reports whether a person may be asked to sign in by a browser: one
// who sits at a terminal, and never a program that runs unattended.
func (app *App) browses() bool {
	return !app.unattended && !app.noDialog && app.present()
}

// present reports whether there is a terminal to ask on, and this process in
// its foreground.
func (app *App) present() bool {
	terminal, ok := app.Terminal.(interface{ Present() bool })
	return !ok || terminal.Present()
}

// signInPrompt says how a person signs in to a session, and leaves a mark that
// he is being asked.
func (app *App) signInPrompt(_ context.Context, s sso.Session, o signInOptions) (sso.Prompt, func(), error) {
	if !o.asked && !app.browses() {
		return sso.Prompt{}, nil, &hintError{
			&sso.SignInError{Session: s, Why: "a sign-in is needed", Err: errNoTerminal},
			"sign in with: " + app.name() + " sso login" + app.signInWord(s, o),
		}
	}
	settings, err := app.ownSettings()
	if err != nil {
		return sso.Prompt{}, nil, err
	}
	p := sso.Prompt{Flow: app.flow(settings, o), Wait: sleep}
	argv := app.browsers(settings.For(o.profile).Browser, settings.Browser)
	if o.noBrowser || app.remote() {
		argv = nil
	}
	p.Show = func(address, code string) {
		how := "sign in to " + s.String() + ": open " + address
		if app.openBrowser(argv, address) {
			how = "sign in to " + s.String() + " in the browser; if none opens: " + address
		}
		app.note(how)
		if code != "" {
			app.note("the page has to show this code: " + code)
		}
	}
	mark := app.pendingFile(s.ID())
	_ = keystore.WriteFileAtomic(mark, nil, 0o600) // others would wait, no more
	return p, func() { _ = os.Remove(mark) }, nil
}

// signInWord is what "sso login" is to be called with.
func (app *App) signInWord(s sso.Session, o signInOptions) string {
	switch {
	case s.Name != "":
		return " " + word(s.Name)
	case o.profile != "":
		return " " + word(o.profile)
	}
	return ""
}

// sleep waits, until ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Canceled
	}
}

// flow returns how to sign in: as configured, else by a browser that comes back
// to this machine where there is one.
func (app *App) flow(settings config.Settings, o signInOptions) sso.Flow {
	switch {
	case o.noBrowser:
		return sso.Device
	case settings.SSOFlow != "":
		return sso.Flow(settings.SSOFlow)
	case app.remote() || app.wsl() || app.contained():
		return sso.Device
	case app.Desktop || app.Env["DISPLAY"] != "" || app.Env["WAYLAND_DISPLAY"] != "" || app.Env["BROWSER"] != "" || settings.Browser != "":
		return sso.PKCE
	}
	return sso.Device
}

// remote reports whether the person sits at another machine.
func (app *App) remote() bool {
	return app.Env["SSH_CONNECTION"] != "" || app.Env["SSH_CLIENT"] != "" || app.Env["SSH_TTY"] != ""
}

// wsl reports whether this is Linux on Windows, whose browser may not reach
// this loopback.
func (app *App) wsl() bool { return app.Env["WSL_DISTRO_NAME"] != "" || app.Env["WSL_INTEROP"] != "" }

// contained reports whether this is a container, whose loopback is its own.
func (app *App) contained() bool {
	return app.Env["KUBERNETES_SERVICE_HOST"] != "" || app.Env["container"] != "" || app.Env["REMOTE_CONTAINERS"] != "" ||
		app.Env["CODESPACES"] != "" || exists("/.dockerenv") || exists("/run/.containerenv")
}

// browsers returns the command lines that open an address, the first choice
// first: the profile's, the global setting, BROWSER, the system's own. "{url}" or
// "%s" stands for the address, which else comes last.
func (app *App) browsers(settings ...string) [][]string {
	var list [][]string
	for _, line := range append(settings, strings.Split(app.Env["BROWSER"], ":")...) {
		if argv := words(line); len(argv) > 0 {
			list = append(list, argv)
		}
	}
	if app.Desktop {
		return append(list, []string{"open"})
	}
	if app.wsl() {
		list = append(list, []string{"wslview"})
	}
	if app.Env["DISPLAY"] != "" || app.Env["WAYLAND_DISPLAY"] != "" {
		list = append(list, []string{"xdg-open"})
	}
	return list
}

// openBrowser starts the first of the programs that can be started.
func (app *App) openBrowser(list [][]string, address string) bool {
	for _, argv := range list {
		path, err := lookPath(argv[0], app.Env["PATH"])
		if err != nil {
			continue
		}
		if app.Start(path, withAddress(argv, address), app.harmless().Environ()) == nil {
			return true
		}
	}
	return false
}

func withAddress(argv []string, address string) []string {
	full := make([]string, 0, len(argv)+1)
	named := false
	for _, word := range argv {
		for _, place := range []string{"{url}", "%s"} {
			if strings.Contains(word, place) {
				word, named = strings.ReplaceAll(word, place, address), true
			}
		}
		full = append(full, word)
	}
	if !named {
		full = append(full, address)
	}
	return full
}

// harmless is the environment of a program that needs no credentials.
func (app *App) harmless() shell.Env {
	env := shell.Env{}
	for name, value := range app.Env {
		env[name] = value
	}
	for _, list := range [][]string{ownSecrets, secret} {
		for _, name := range list {
			delete(env, name)
		}
	}
	return env
}
