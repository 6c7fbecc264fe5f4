package cmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shellvault/vault/config"
)

// setupBackend says where keys are kept. Where there are some that is settled.
func (w *wizard) setupBackend(ctx context.Context) error {
	named := w.backend
	w.flags.backend = "" // it is for the settings, not for this command
	settings, err := w.ownSettings()
	if err != nil {
		return err
	}
	if settings.Backend != "" && (named == "" || named == settings.Backend) {
		w.note(fmt.Sprintf("keys are kept in %s: %s says so", w.where(settings.Backend), tilde(w.settingsFile(), w.Home)))
		return nil
	}
	c, err := w.choose()
	if err != nil {
		return err
	}
	if c.pin != "" && named == "" {
		w.note(fmt.Sprintf("keys are kept in %s, where the first one went; to move them: %s migrate", w.where(c.backend), w.name()))
		return nil
	}
	if named == "" {
		if w.yes || !w.terminal {
			return nil
		}
		if named, err = w.askBackend(ctx, c, settings); err != nil || named == "" {
			return err
		}
	}
	if named == config.BackendCommand && settings.Command == (config.CommandSettings{}) {
		return &usageError{text: fmt.Sprintf("keystore %q: %s has no [command] table", named, tilde(w.settingsFile(), w.Home)),
			hint: "name its commands there: see docs/keystores.md"}
	}
	if err := w.set("backend", named); err != nil {
		return err
	}
	if c.pin != "" && c.pin != named && c.keys > 0 {
		w.note(fmt.Sprintf("the stored keys stay in %s; move them with: %s migrate --from %s --to %s", w.where(c.pin), w.name(), c.pin, named))
	}
	return nil
}

// askBackend asks where to keep keys; "" is automatic.
func (w *wizard) askBackend(ctx context.Context, c choice, settings config.Settings) (string, error) {
	choices := []string{c.backend}
	for _, b := range config.Backends {
		usable := b == config.BackendFile || b == config.BackendCommand && settings.Command != (config.CommandSettings{})
		if usable && b != c.backend {
			choices = append(choices, b)
		}
	}
	fmt.Fprintf(w.Stdout, "Keys can be kept in:\n  1  %s (chosen by itself)\n", w.where(c.backend))
	if c.why != "" {
		fmt.Fprintf(w.Stdout, "     %s\n", oneLine(c.why))
	}
	for i, b := range choices[1:] {
		fmt.Fprintf(w.Stdout, "  %d  %s (writes %s to %s)\n", i+2, w.where(b), config.SettingLine("backend", b), tilde(w.settingsFile(), w.Home))
	}
	for range attempts {
		typed, err := w.Terminal.Ask(ctx, "Keep them in [1] ", false)
		if err != nil {
			return "", err
		}
		typed = strings.TrimSpace(typed)
		n, err := strconv.Atoi(typed)
		if i := slices.Index(choices, typed); i >= 0 {
			n, err = i+1, nil
		}
		switch {
		case typed == "" || err == nil && n == 1:
			return "", nil
		case err == nil && n >= 2 && n <= len(choices):
			return choices[n-1], nil
		}
		w.note(fmt.Sprintf("answer with a number from 1 to %d", len(choices)))
	}
	return "", nil
}

// setupDirectories says whether .vault-profile files count.
func (w *wizard) setupDirectories(ctx context.Context) error {
	settings, err := w.ownSettings()
	if err != nil {
		return err
	}
	if _, said := w.directories.answer(); settings.Directories && !said {
		w.note(fmt.Sprintf(".vault-profile files name profiles: %s says so", tilde(w.settingsFile(), w.Home)))
		return nil
	}
	question := fmt.Sprintf("Let .vault-profile files name the profile of a folder? It writes %s to %s", config.SettingLine("directories", true), tilde(w.settingsFile(), w.Home))
	yes, ok, err := w.yesNo(ctx, w.directories, question, false)
	if err != nil || !ok || yes == settings.Directories {
		return err
	}
	return w.set("directories", yes)
}

// set writes a setting of vault's own.
func (w *wizard) set(key string, value any) error {
	file := w.settingsFile()
	if err := config.SetSetting(file, key, value); err != nil {
		return err
	}
	w.loaded = nil
	w.note(fmt.Sprintf("wrote %s to %s", config.SettingLine(key, value), tilde(file, w.Home)))
	return nil
}
