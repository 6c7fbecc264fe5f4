package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/term"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/command"
	"github.com/shellvault/vault/keystore/secretservice"
	"github.com/shellvault/vault/sts"
)

// A Store is a keystore that can be locked and unlocked.
type Store interface {
	keystore.Store
	Unlock(ctx context.Context) error
	Lock() error
}

// StoreOptions say which keystore to open, and how. Opening touches nothing.
type StoreOptions struct {
	Backend string // one of config.Backends
	Ask     Ask    // who may be asked

	// Of the sealed file.
	Path       string
	Passphrase func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error)
	Cache      keystore.DataKeyCache
	Waiting    func() // before waiting for another process that unlocks

	// Of the Secret Service.
	KeyringPassphrase func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) // where there is no dialog
	Dialog            func()                                                                     // before waiting for a dialog

	Bus        string // address of the session bus, "" for none
	Plain      bool   // secrets cross the bus in clear
	Collection string // of the Secret Service, "" for its default
	LockFile   string // held around a dialog, and around changes by command

	Command  config.CommandSettings
	Environ  []string // of the commands
	Stderr   io.Writer
	Terminal *os.File // where they may ask; nil: nowhere
}

// Ask says who may be asked to unlock a keystore.
type Ask int

// What may be done to unlock.
const (
	AskNobody   Ask = iota // nothing: fail at once
	AskTerminal            // a question on the terminal, and never a dialog
	AskAnyhow              // a dialog of the system, then the terminal
)

// mayAsk says how a person can be asked to unlock a keystore. A dialog is for
// who sits at the desktop: not for who came over SSH, nor for a program that
// runs unattended.
func (app *App) mayAsk() Ask {
	present := app.present()
	desktop := app.Desktop || app.Env["DISPLAY"] != "" || app.Env["WAYLAND_DISPLAY"] != ""
	remote := app.Env["SSH_CONNECTION"] != "" || app.Env["SSH_TTY"] != ""
	switch {
	case app.unattended:
		return AskNobody
	case !app.noDialog && !remote && (present || desktop):
		return AskAnyhow
	case present:
		return AskTerminal
	}
	return AskNobody
}

// Defaults of how long the unlocked keystore rests.
const (
	keysTTL = 15 * time.Minute
	keysMax = 8 * time.Hour
)

// openStore returns the keystore that new keys go to.
func (app *App) openStore() (Store, error) {
	c, err := app.choose()
	if err != nil {
		return nil, err
	}
	app.warnPin(c)
	return app.open(c.backend)
}

// open returns the keystore of that backend, one and the same for a command.
func (app *App) open(backend string) (Store, error) {
	app.Arm()
	app.mu.Lock()
	defer app.mu.Unlock()
	if store, ok := app.stores[backend]; ok {
		return store, nil
	}
	if err := app.placed(); err != nil {
		return nil, err
	}
	settings, err := app.ownSettings()
	if err != nil {
		return nil, err
	}
	store, err := app.Store(app.storeOptions(backend, settings))
	if err != nil {
		return nil, err
	}
	if app.stores == nil {
		app.stores = map[string]Store{}
	}
	app.stores[backend] = store
	return store, nil
}

func (app *App) storeOptions(backend string, settings config.Settings) StoreOptions {
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
	return StoreOptions{
		Backend:    backend,
		Ask:        app.mayAsk(),
		Path:       app.keysFile(),
		Passphrase: app.passphrase(settings),
		Cache:      cache,
		Waiting: func() {
			if app.StderrTTY {
				app.note("waiting for another vault that unlocks the keystore")
			}
		},
		KeyringPassphrase: app.keyringPassphrase,
		Dialog: func() {
			if app.StderrTTY {
				app.note("waiting for the dialog of the keyring")
			}
		},
		Bus:        secretservice.BusAddress(app.Env["DBUS_SESSION_BUS_ADDRESS"], app.Env["XDG_RUNTIME_DIR"]),
		Plain:      settings.SecretService == "plain",
		Collection: settings.Collection,
		LockFile:   filepath.Join(app.locks(), "keystore.lock"),
		Command:    settings.Command,
		Environ:    app.keystoreEnviron(),
		Stderr:     app.Stderr,
		Terminal:   app.terminalFile(),
	}
}

// keystoreEnviron returns the environment of a program that keeps keys: all but
// what opens vault's own.
func (app *App) keystoreEnviron() []string {
	env := maps.Clone(app.Env)
	for _, name := range ownSecrets {
		delete(env, name)
	}
	return env.Environ()
}

// passphraseEnviron returns the environment of passphrase_command: it may ask
// where vault may, as far as variables tell it.
func (app *App) passphraseEnviron() []string {
	environ := app.keystoreEnviron()
	switch app.mayAsk() {
	case AskNobody:
		return command.Unattended(environ)
	case AskTerminal:
		return slices.DeleteFunc(environ, isDisplay)
	}
	return environ
}

// terminalFile returns the terminal of this process as it was handed over, nil
// if it has none there. /dev/tty would be another one for gpg's agent.
func (app *App) terminalFile() *os.File {
	for _, stream := range []any{app.Stdin, app.Stderr} {
		if f, ok := stream.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return f
		}
	}
	return nil
}

// ownSettings returns what config.toml says, read once.
func (app *App) ownSettings() (config.Settings, error) {
	if app.loaded != nil {
		return *app.loaded, nil
	}
	settings, err := config.LoadSettings(app.settingsFile())
	if err == nil {
		app.loaded = &settings
	}
	return settings, err
}

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
	c, err := app.choose()
	if err != nil {
		return err
	}
	store, err := app.open(c.backend)
	if err != nil {
		return err
	}
	if err := keystore.RebuildIndex(ctx, path, c.backend, store); err != nil {
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
		given, from, err := app.givenPassphrase(ctx, settings, ask.New)
		if err != nil {
			return keystore.Secret{}, err
		}
		if from != "" {
			if ask.Attempt > 1 {
				return keystore.Secret{}, fmt.Errorf("%w from %s", keystore.ErrPassphrase, from)
			}
			return given, nil
		}
		if app.unattended {
			return keystore.Secret{}, keystore.ErrLocked
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

// keyringPassphrase asks for the passphrase of a keyring of the system, which
// is not the one that passphrase_command and the like give.
func (app *App) keyringPassphrase(ctx context.Context, ask keystore.PassphraseRequest) (keystore.Secret, error) {
	if ask.Attempt > 1 {
		app.note("wrong passphrase")
	}
	text, err := app.Terminal.Ask(ctx, fmt.Sprintf("Passphrase of the keyring %q: ", ask.Path), true)
	return keystore.NewSecret(text), noTerminal(err)
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

func (app *App) givenPassphrase(ctx context.Context, settings config.Settings, new bool) (given keystore.Secret, from string, err error) {
	switch {
	case new && app.rewrap.on:
		// What gives the old one does not give another.
		if app.rewrap.new.IsZero() {
			return keystore.Secret{}, "", nil
		}
		return app.rewrap.new, "--new-passphrase-file", nil
	case app.flags.passphraseFile != "":
		line, err := firstLine(app.flags.passphraseFile)
		if err != nil {
			return keystore.Secret{}, "", usageErrorf("--passphrase-file: %s", err)
		}
		return keystore.NewSecret(line), "--passphrase-file", nil
	case app.Env["AWS_VAULT_FILE_PASSPHRASE"] != "":
		return keystore.NewSecret(app.Env["AWS_VAULT_FILE_PASSPHRASE"]), "AWS_VAULT_FILE_PASSPHRASE", nil
	case settings.PassphraseCommand != "":
		out, err := app.Command(ctx, settings.PassphraseCommand, app.passphraseEnviron())
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
