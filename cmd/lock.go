package cmd

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

func (app *App) unlockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "unlock", Short: "unlock the keystore for a while", Args: app.atMost(0, 0, ""),
		Long: `unlock asks for the keystore's passphrase ahead, so that commands need not.
The sealed file stays open for 15 minutes without use, and never for more than
8 hours (keys_ttl and keys_max in config.toml); that needs a kernel with a
keyring, which macOS and many containers lack.`,
		Example: "  vault unlock",
		RunE: func(c *cobra.Command, _ []string) error {
			choice, err := app.choose()
			if err != nil {
				return err
			}
			app.warnPin(choice)
			store, err := app.open(choice.backend)
			if err != nil {
				return err
			}
			if state, err := store.State(c.Context()); err == nil && state == keystore.Absent {
				return &hintError{errors.New("there is no keystore yet"), "it is made by: " + app.name() + " add PROFILE"}
			}
			if err := store.Unlock(c.Context()); err != nil {
				return err
			}
			if choice.backend == config.BackendFile && app.locked(c.Context()) {
				app.note(app.restless())
			}
			if _, err := app.readIndex(); app.indexLost(err) {
				return app.repairIndex(c.Context())
			}
			return app.adopt(c.Context(), choice.backend, store)
		},
	}
}

// restless says why the sealed file that was just unlocked is locked again.
func (app *App) restless() string {
	settings, err := app.ownSettings()
	if err == nil && settings.KeysTTL != nil && *settings.KeysTTL == 0 {
		return "the passphrase is right, and each command will ask for it: keys_ttl in " + tilde(app.settingsFile(), app.Home) + " is 0"
	}
	return "the passphrase is right, and each command will ask for it: the kernel keeps no keys here"
}

func (app *App) lockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lock", Short: "lock the keystore", Args: app.atMost(0, 0, ""),
		Long: `lock forgets the unlocked keystore, for all shells: the next command that needs
a key asks again. In the Secret Service it locks the keyring that holds the
keys, for other programs too; the macOS Keychain it leaves to the system.
Cached sessions stay of use.`,
		Example: "  vault lock",
		RunE:    func(*cobra.Command, []string) error { return app.lock() },
	}
}

func (app *App) lock() error {
	// Whatever else is wrong, with the config or with a keystore, what rests
	// in the kernel goes.
	errs := several{app.KernelKey(keystore.DataKeyDescription(app.keysFile()), 0, 0).Drop()}
	c, err := app.choose()
	if err != nil {
		return append(errs, err).join()
	}
	backends := []string{c.backend}
	if !c.command {
		if backends, err = app.backends(c); err != nil {
			return append(errs, err).join()
		}
	}
	for _, backend := range backends {
		store, err := app.open(backend)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		err = store.Lock()
		if errors.Is(err, errors.ErrUnsupported) {
			app.note(strings.TrimSuffix(err.Error(), ": "+errors.ErrUnsupported.Error()))
			err = nil
		}
		errs = append(errs, err)
	}
	return errs.join()
}

// backends returns the keystores in use: the chosen one, and those that hold
// keys.
func (app *App) backends(c choice) ([]string, error) {
	list := []string{c.backend}
	index, err := app.readIndex()
	if err != nil && !app.indexLost(err) {
		return nil, err
	}
	if index.Backend != "" {
		list = append(list, index.Backend)
	}
	for _, e := range index.Keys {
		list = append(list, backendOf(index, e))
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
