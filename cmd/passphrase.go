package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

func (app *App) passphraseCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "passphrase", Short: "change the passphrase of the sealed keystore", Args: app.atMost(0, 0, ""),
		Long: `passphrase changes the passphrase of the sealed file: it asks for the old one,
also while the file is unlocked, and for the new one. The keys in it are not
touched. What gives the passphrase unasked (--passphrase-file,
AWS_VAULT_FILE_PASSPHRASE, passphrase_command) gives the old one.`,
		Example: "  vault passphrase",
		RunE: func(c *cobra.Command, _ []string) error {
			return app.changePassphrase(c.Context(), file)
		},
	}
	c.Flags().StringVar(&file, "new-passphrase-file", "", "read the new passphrase from the first line of `FILE`")
	return c
}

// A rewrapper is a keystore with a passphrase of its own.
type rewrapper interface {
	Rewrap(ctx context.Context) error
}

func (app *App) changePassphrase(ctx context.Context, file string) error {
	app.rewrap.on = true
	if file != "" {
		line, err := firstLine(file)
		if err != nil {
			return usageErrorf("--new-passphrase-file: %s", err)
		}
		if line == "" {
			return usageErrorf("--new-passphrase-file: the first line of %q is empty", file)
		}
		app.rewrap.new = keystore.NewSecret(line)
	}
	if !exists(app.keysFile()) {
		c, err := app.choose()
		if err != nil {
			return err
		}
		if c.backend != config.BackendFile {
			return usageErrorf("passphrase: the keys are in %s, which has no passphrase of vault's", app.where(c.backend))
		}
		return &hintError{errors.New("there is no keystore yet"), "it is made by: " + app.name() + " add PROFILE"}
	}
	store, err := app.open(config.BackendFile)
	if err != nil {
		return err
	}
	if err := store.(rewrapper).Rewrap(ctx); err != nil {
		return err
	}
	app.note(fmt.Sprintf("the passphrase of %s is changed", app.where(config.BackendFile)))
	return nil
}
