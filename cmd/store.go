package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// A Store is a keystore that can be locked and unlocked.
type Store interface {
	keystore.Store
	Unlock(ctx context.Context) error
	Lock() error
}

// StoreOptions say which keystore to open, and how.
type StoreOptions struct {
	Path       string
	Passphrase func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error)
	Cache      keystore.DataKeyCache
	Waiting    func()
}

// Defaults of how long the unlocked keystore rests.
const (
	keysTTL = 15 * time.Minute
	keysMax = 8 * time.Hour
)

// openStore returns the keystore: AWS_VAULT_BACKEND, else the config, else the
// one that holds keys, else the only one there is.
func (app *App) openStore() (Store, error) {
	app.Arm()
	settings, err := config.LoadSettings(app.settingsFile())
	if err != nil {
		return nil, err
	}
	backend, from := app.Env["AWS_VAULT_BACKEND"], "AWS_VAULT_BACKEND"
	if backend == "" {
		backend, from = settings.Backend, app.settingsFile()
	}
	index, err := app.readIndex()
	if err != nil && !app.indexLost(err) {
		return nil, err
	}
	switch {
	case backend != "" && backend != backendFile:
		return nil, &usageError{text: fmt.Sprintf("%s: no keystore %q", from, backend), hint: "vault keeps keys in: file"}
	case index.Backend != "" && index.Backend != backendFile:
		return nil, &usageError{text: fmt.Sprintf("%s: the keys are in the keystore %q, which this vault does not have", app.indexFile(), index.Backend)}
	}
	idle, most := keysTTL, keysMax
	if settings.KeysTTL != nil {
		idle = *settings.KeysTTL
	}
	if settings.KeysMax != 0 {
		most = settings.KeysMax
	}
	// Where there is no kernel keyring, or nothing may rest there, one command
	// asks once.
	cache := keystore.Caches{&keystore.HeldKey{Max: most, Now: app.Now}}
	if idle > 0 {
		kernel := app.KernelKey(keystore.DataKeyDescription(app.keysFile()), idle, most)
		cache = append(keystore.Caches{kernel}, cache...)
	}
	return app.Store(StoreOptions{
		Path:       app.keysFile(),
		Passphrase: app.passphrase(settings),
		Cache:      cache,
		Waiting: func() {
			if app.StderrTTY {
				app.note("waiting for another vault that unlocks the keystore")
			}
		},
	})
}

const backendFile = "file"

// indexLost reports whether err may be for the lack of an index that the
// keystore could make anew.
func (app *App) indexLost(err error) bool {
	var broken *keystore.IndexError
	var source *sts.SourceError
	if errors.As(err, &broken) {
		return true
	}
	return (err == nil || errors.As(err, &source) && source.NoKey) && !exists(app.indexFile()) && exists(app.keysFile())
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// repairIndex makes the index anew from the keystore, which is the truth; it
// may ask for the passphrase. A broken index stays, aside.
func (app *App) repairIndex(ctx context.Context) error {
	path := app.indexFile()
	if _, err := app.readIndex(); err != nil {
		var broken *keystore.IndexError
		if !errors.As(err, &broken) {
			return err
		}
		if err := os.Rename(path, path+".broken"); err != nil {
			return err
		}
	}
	store, err := app.openStore()
	if err != nil {
		return err
	}
	if err := keystore.RebuildIndex(ctx, path, backendFile, store); err != nil {
		return err
	}
	app.note("made the index of the keystore anew")
	return nil
}

// passphrase returns what gives the keystore's passphrase, in this order:
// --passphrase-file, AWS_VAULT_FILE_PASSPHRASE, passphrase_command, the
// terminal. Only a person is asked twice.
func (app *App) passphrase(settings config.Settings) func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
	return func(ctx context.Context, ask keystore.PassphraseRequest) (keystore.Secret, error) {
		given, from, err := app.givenPassphrase(ctx, settings)
		if err != nil {
			return keystore.Secret{}, err
		}
		if from != "" {
			if ask.Attempt > 1 {
				return keystore.Secret{}, fmt.Errorf("%w from %s", keystore.ErrPassphrase, from)
			}
			return given, nil
		}
		if ask.Attempt > 1 {
			app.note("wrong passphrase")
		}
		if !ask.New {
			text, err := app.Terminal.Ask(ctx, fmt.Sprintf("Passphrase of the keystore %s: ", tilde(ask.Path, app.Home)), true)
			return keystore.NewSecret(text), noTerminal(err)
		}
		for range 3 {
			text, err := app.Terminal.Ask(ctx, fmt.Sprintf("New passphrase for the keystore %s: ", tilde(ask.Path, app.Home)), true)
			if err != nil {
				return keystore.Secret{}, noTerminal(err)
			}
			if text == "" {
				app.note("the passphrase is empty")
				continue
			}
			again, err := app.Terminal.Ask(ctx, "Again: ", true)
			if err != nil {
				return keystore.Secret{}, noTerminal(err)
			}
			if text == again {
				return keystore.NewSecret(text), nil
			}
			app.note("the two differ")
		}
		return keystore.Secret{}, errors.New("no passphrase was set")
	}
}

// noTerminal turns the lack of a terminal into what it means for a keystore.
func noTerminal(err error) error {
	switch {
	case errors.Is(err, errBackground):
		return fmt.Errorf("%w: %s", keystore.ErrLocked, errBackground)
	case errors.Is(err, errNoTerminal):
		return keystore.ErrLocked
	}
	return err
}

func (app *App) givenPassphrase(ctx context.Context, settings config.Settings) (given keystore.Secret, from string, err error) {
	switch {
	case app.flags.passphraseFile != "":
		line, err := firstLine(app.flags.passphraseFile)
		if err != nil {
			return keystore.Secret{}, "", usageErrorf("--passphrase-file: %s", err)
		}
		return keystore.NewSecret(line), "--passphrase-file", nil
	case app.Env["AWS_VAULT_FILE_PASSPHRASE"] != "":
		return keystore.NewSecret(app.Env["AWS_VAULT_FILE_PASSPHRASE"]), "AWS_VAULT_FILE_PASSPHRASE", nil
	case settings.PassphraseCommand != "":
		out, err := app.Command(ctx, settings.PassphraseCommand, app.Env.Environ())
		if err != nil {
			return keystore.Secret{}, "", fmt.Errorf("passphrase_command: %w", err)
		}
		defer clear(out)
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return keystore.NewSecret(string(bytes.TrimSuffix(line, []byte("\r")))), "passphrase_command", nil
	}
	return keystore.Secret{}, "", nil
}

// tilde shortens a path below the home folder.
func tilde(path, home string) string {
	if rest, err := filepath.Rel(home, path); err == nil && filepath.IsLocal(rest) {
		return filepath.Join("~", rest)
	}
	return path
}
