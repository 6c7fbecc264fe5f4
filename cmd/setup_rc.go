package cmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/shell"
)

// usualShell is the shell to load vault into, as far as it can be told: the one
// that called, else the user's own.
func (app *App) usualShell() string {
	if app.dialect != "" {
		return string(app.dialect)
	}
	return filepath.Base(app.Env["SHELL"])
}

// startupFile is the file that an interactive shell reads.
func (app *App) startupFile(d shell.Dialect) string { return app.startupFiles(d)[0] }

// startupFiles returns the files that may load vault into a shell, the usual
// one first.
func (app *App) startupFiles(d shell.Dialect) []string {
	in := func(dir string, names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, name))
		}
		return paths
	}
	switch d {
	case shell.Zsh:
		dir := app.Env["ZDOTDIR"]
		if !filepath.IsAbs(dir) {
			dir = app.Home
		}
		return in(dir, ".zshrc", ".zprofile", ".zshenv")
	case shell.Bash:
		// Terminal of macOS starts login shells, which read no .bashrc (bash(1),
		// "Invocation").
		if app.Desktop {
			return in(app.Home, ".bash_profile", ".bashrc", ".profile")
		}
		return in(app.Home, ".bashrc", ".bash_profile", ".profile")
	}
	dir := filepath.Join(app.Home, ".config")
	if base := app.Env["XDG_CONFIG_HOME"]; filepath.IsAbs(base) {
		dir = base
	}
	dir = filepath.Join(dir, "fish")
	files := in(dir, "config.fish")
	more, _ := filepath.Glob(filepath.Join(dir, "conf.d", "*.fish"))
	return append(files, more...)
}

// loadLine is the line that loads vault, called exe, into a shell; flags are
// those of init, with a space in front.
func loadLine(d shell.Dialect, exe, flags string) string {
	if d == shell.Fish {
		return word(exe) + " init fish" + flags + " | source"
	}
	return fmt.Sprintf(`eval "$(%s init %s%s)"`, word(exe), d, flags)
}

// otherVault returns the path of another program called vault that PATH leads
// to, HashiCorp's as a rule; "" if there is none.
func (app *App) otherVault() string {
	found, err := lookPath("vault", app.Env["PATH"])
	if err != nil {
		return ""
	}
	a, err := os.Stat(found)
	if err != nil {
		return ""
	}
	if b, err := os.Stat(app.Exe); err != nil || os.SameFile(a, b) {
		return ""
	}
	return found
}

// mostStartup bounds what is read of a startup file.
const mostStartup = 4 << 20

// loadedBy returns "file:line" of what loads vault into a shell, "" if nothing
// does.
func (app *App) loadedBy(d shell.Dialect, file string) string {
	exe := regexp.QuoteMeta(filepath.Base(app.Exe))
	loads := regexp.MustCompile(`(^|[\s;&|("'/\x60\\])(vault|` + exe + `)["']?\s+init\s+` + regexp.QuoteMeta(string(d)) + `\b`)
	seen := map[string]bool{}
	for _, path := range append([]string{file}, app.startupFiles(d)...) {
		if info, err := os.Stat(path); seen[path] || err != nil || !info.Mode().IsRegular() || info.Size() > mostStartup {
			continue
		}
		seen[path] = true
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && loads.MatchString(line) {
				return fmt.Sprintf("%s:%d", tilde(path, app.Home), n)
			}
		}
	}
	return ""
}

// appendLine adds a line at the end of a file, which it makes if need be.
func appendLine(file, line string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	return config.EditText(file, func(_ string, text []byte) ([]byte, error) {
		if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
			text = append(text, '\n')
		}
		return append(text, line+"\n"...), nil
	})
}
