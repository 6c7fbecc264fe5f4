package cmd

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/keystore"
)

func (app *App) unlockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "unlock", Short: "unlock the keystore for a while", Args: app.atMost(0, 0, ""),
		Long:    "unlock asks for the keystore's passphrase, so that commands need not: for 15 minutes without use, and never for more than 8 hours.",
		Example: "  vault unlock",
		RunE: func(c *cobra.Command, _ []string) error {
			store, err := app.openStore()
			if err != nil {
				return err
			}
			if state, err := store.State(c.Context()); err == nil && state == keystore.Absent {
				return &hintError{errors.New("there is no keystore yet"), "it is made by: " + app.name() + " add PROFILE"}
			}
			if err := store.Unlock(c.Context()); err != nil {
				return err
			}
			if _, err := app.readIndex(); app.indexLost(err) {
				return app.repairIndex(c.Context())
			}
			return nil
		},
	}
}

func (app *App) lockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lock", Short: "lock the keystore", Args: app.atMost(0, 0, ""),
		Long:    "lock forgets the unlocked keystore: the next command that needs a key asks for the passphrase. Cached sessions stay of use.",
		Example: "  vault lock",
		RunE: func(*cobra.Command, []string) error {
			store, err := app.openStore()
			if err != nil {
				return err
			}
			return store.Lock()
		},
	}
}
