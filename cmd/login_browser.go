package cmd

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/config"
)

// A family is a kind of browser, and how it opens a private window.
type family struct {
	flag     string
	programs []string // on Linux, the first choice first
	app      string   // on macOS
}

var families = []family{
	{"--private-window", []string{"firefox", "firefox-esr", "firefox-developer-edition", "librewolf"}, "Firefox"},
	{"--incognito", []string{"google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome", "brave-browser", "brave", "vivaldi"}, "Google Chrome"},
	{"--inprivate", []string{"microsoft-edge", "microsoft-edge-stable"}, "Microsoft Edge"},
}

// familyOf returns the family of a browser's command line.
func familyOf(argv []string) (family, bool) {
	for _, f := range families {
		for i, word := range argv {
			if i > 0 && word == f.app {
				return f, true // open -a "Google Chrome"
			}
		}
		for _, name := range f.programs {
			if filepath.Base(argv[0]) == name {
				return f, true
			}
		}
	}
	return family{}, false
}

var errNotPrivate = &hintError{
	errors.New("--private: which browser to open is not known"),
	`name it in config.toml: browser = "firefox", or "google-chrome"`,
}

var errNoFirefox = &hintError{
	errors.New("container: a container is Firefox's, and there is no Firefox"),
	`name it in config.toml: browser = "/path/to/firefox"`,
}

// consoleBrowsers returns the command lines that open the console, the first
// choice first.
func (app *App) consoleBrowsers(shown config.ProfileSettings, private bool) ([][]string, error) {
	settings, err := app.ownSettings()
	if err != nil {
		return nil, err
	}
	all := app.browsers(shown.Browser, settings.Browser)
	if shown.Container == "" && !private {
		if len(all) == 0 {
			return nil, &hintError{errors.New("there is no browser here"), "print the address, and open it where there is one: " + app.name() + " login --stdout"}
		}
		return all, nil
	}
	wanted := families
	if shown.Container != "" {
		wanted = families[:1]
	}
	var list [][]string
	for _, argv := range append(all, app.knownBrowsers(wanted)...) {
		f, ok := familyOf(argv)
		switch {
		case !ok || shown.Container != "" && f.app != "Firefox":
		case !private:
			list = append(list, argv)
		case argv[0] == "open":
			list = append(list, append(append([]string{"open", "-n"}, argv[1:]...), "--args", f.flag))
		default:
			list = append(list, append([]string{argv[0], f.flag}, argv[1:]...))
		}
	}
	switch {
	case len(list) > 0:
		return list, nil
	case private:
		return nil, errNotPrivate
	}
	return nil, errNoFirefox
}

// knownBrowsers returns command lines of browsers that are installed.
func (app *App) knownBrowsers(wanted []family) [][]string {
	var list [][]string
	for _, f := range wanted {
		if app.Desktop {
			if exists("/Applications/" + f.app + ".app") {
				list = append(list, []string{"open", "-a", f.app})
			}
			continue
		}
		for _, name := range f.programs {
			if _, err := lookPath(name, app.Env["PATH"]); err == nil {
				list = append(list, []string{name})
			}
		}
	}
	return list
}

// inContainer is the address that opens another in a container of Firefox, by
// the extension "Open external links in a container".
func inContainer(address, container string) string {
	if container == "" {
		return address
	}
	return "ext+container:name=" + url.QueryEscape(container) + "&url=" + url.QueryEscape(address)
}

// words splits a command line at its blanks, as a shell would, but for quotes
// nothing in it is special.
func words(line string) []string {
	var list []string
	var b strings.Builder
	var quote rune
	in := false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, in = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if in {
				list = append(list, b.String())
				b.Reset()
			}
			in = false
		default:
			b.WriteRune(r)
			in = true
		}
	}
	if in {
		list = append(list, b.String())
	}
	return list
}
