package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
)

func (app *App) allowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "allow [PATH]",
		Short: "let a folder's " + directoryName + " switch shells",
		Long: `allow trusts a folder's ` + directoryName + ` as it is now: the nearest one from
here, or that of the folder PATH. In a shell that enters the folder its profile
is used, where nobody has to be asked for that; who leaves has what was there
before. A file that changes has to be allowed again.

The file holds two lines, and nothing of it is run:
  profile = dev
  region = eu-west-1

The setting directories = true in config.toml switches this on.`,
		Example: "  vault allow\n  vault allow ~/src/shop",
		Args:    app.atMost(0, 1, ""),
		RunE: func(c *cobra.Command, args []string) error {
			return app.allow(c.Context(), args, true)
		},
	}
}

func (app *App) denyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "deny [PATH]",
		Short:   "take the trust in a folder's " + directoryName + " back",
		Long:    "deny no longer lets a folder's " + directoryName + " switch shells, and says no more about it until it changes: the nearest one from here, or that of the folder PATH.",
		Example: "  vault deny\n  vault deny ~/src/shop",
		Args:    app.atMost(0, 1, ""),
		RunE: func(c *cobra.Command, args []string) error {
			return app.allow(c.Context(), args, false)
		},
	}
}

func (app *App) allow(ctx context.Context, args []string, allowed bool) error {
	path, err := app.directoryOf(args)
	if err != nil {
		return err
	}
	d, err := app.readDirectory(path)
	if err != nil {
		return err
	}
	shown := tilde(d.Path, app.Home)
	if !allowed {
		if err := app.judge(ctx, d, false); err != nil {
			return err
		}
		app.note("denied " + shown)
		return nil
	}
	w, err := d.parse(app.Home)
	if err != nil {
		return err
	}
	settings, err := app.ownSettings()
	if err != nil {
		return err
	}
	if err := app.judge(ctx, d, true); err != nil {
		return err
	}
	text := fmt.Sprintf("allowed %s: profile %s", shown, w.Profile)
	if w.Region != "" {
		text += ", region " + w.Region
	}
	app.note(text)
	if !settings.Directories {
		app.note("it is not looked at until " + tilde(app.settingsFile(), app.Home) + " says: directories = true; then by shells that are opened")
	}
	if files, err := config.Load(config.Locate(app.getenv, app.Home)); err == nil {
		if _, err := files.Profile(w.Profile); err != nil {
			app.note(err.Error())
		}
	}
	return nil
}

// directoryOf returns the file that the arguments of a command mean: that of
// the folder they name, or the nearest.
func (app *App) directoryOf(args []string) (string, error) {
	if len(args) == 0 {
		dir, err := os.Getwd()
		if err != nil {
			return "", fmt.Errorf("the current folder: %s", reason(err))
		}
		path, ok := nearest(dir, app.Home)
		if !ok {
			return "", &hintError{fmt.Errorf("there is no %s here or above", directoryName), "write one: profile = NAME"}
		}
		return path, nil
	}
	path, err := filepath.Abs(args[0])
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, directoryName)
	}
	if filepath.Base(path) != directoryName {
		return "", usageErrorf("%q is neither a folder nor a %s", args[0], directoryName)
	}
	return path, nil
}
