package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/command"
	"github.com/shellvault/vault/keystore/keychain"
	"github.com/shellvault/vault/keystore/secretservice"
)

// A choice says which keystore new keys go to, and why.
type choice struct {
	backend string
	from    string // what names it: a flag, a variable or a file; "" for the pin and for the automatic choice
	command bool   // it was named for this command, by the flag or the variable
	pin     string // where keys were first written to; "" if nowhere yet
	why     string // of an automatic choice: what speaks against a better one
	keys    int    // that the pinned keystore holds
}

// choose decides: flag, AWS_VAULT_BACKEND, config, pin, automatic.
func (app *App) choose() (choice, error) {
	settings, err := app.ownSettings()
	if err != nil {
		return choice{}, err
	}
	index, err := app.readIndex()
	if err != nil && !app.indexLost(err) {
		return choice{}, err
	}
	c := choice{pin: index.Backend}
	for _, e := range index.Keys {
		if e.Backend == "" {
			c.keys++
		}
	}
	switch {
	case app.flags.backend != "":
		c.backend, c.from, c.command = app.flags.backend, "--backend", true
	case app.Env["AWS_VAULT_BACKEND"] != "":
		c.backend, c.from, c.command = app.Env["AWS_VAULT_BACKEND"], "AWS_VAULT_BACKEND", true
	case settings.Backend != "":
		c.backend, c.from = settings.Backend, tilde(app.settingsFile(), app.Home)
	case c.pin != "":
		c.backend = c.pin
	case exists(app.keysFile()):
		c.backend = config.BackendFile // its index is lost
	default:
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		c.backend, c.why = app.Automatic(ctx, secretservice.BusAddress(app.Env["DBUS_SESSION_BUS_ADDRESS"], app.Env["XDG_RUNTIME_DIR"]))
	}
	if !slices.Contains(config.Backends, c.backend) {
		if c.from == "" {
			return choice{}, usageErrorf("%s: the keys are in the keystore %q, which this vault does not have", tilde(app.indexFile(), app.Home), c.backend)
		}
		return choice{}, unknownBackend(c.from, c.backend)
	}
	if c.backend == config.BackendCommand && settings.Command == (config.CommandSettings{}) {
		return choice{}, &usageError{text: fmt.Sprintf("keystore %q: %s has no [command] table", c.backend, tilde(app.settingsFile(), app.Home)),
			hint: "name its commands there: get, set, delete and list"}
	}
	return c, nil
}

// probeTimeout bounds how long the automatic choice may look for a keystore.
const probeTimeout = time.Second

// replacements are the backends of aws-vault that vault does not have under
// that name, and what takes their place.
var replacements = map[string]string{
	"pass":       `backend = "command" runs pass: see docs/keystores.md`,
	"op":         `backend = "command" runs op: see docs/keystores.md`,
	"op-connect": `backend = "command" runs op: see docs/keystores.md`,
	"op-desktop": `backend = "command" runs op: see docs/keystores.md`,
	"passage":    `backend = "command" runs passage: see docs/keystores.md`,
	"kwallet":    "KWallet speaks Secret Service: use secret-service",
	"keyctl":     "the file backend rests in the kernel keyring while it is unlocked: use file",
	"wincred":    "there is no vault for Windows; in WSL use file",
}

func unknownBackend(from, backend string) error {
	hint := "vault keeps keys in: " + strings.Join(config.Backends, ", ")
	if r, ok := replacements[backend]; ok {
		hint = r
	}
	return &usageError{text: fmt.Sprintf("%s: no keystore %q", from, backend), hint: hint}
}

// warnPin says, once a login session, that keys go elsewhere than the ones
// that are stored already.
func (app *App) warnPin(c choice) {
	if c.from == "" || c.pin == "" || c.pin == c.backend || c.keys == 0 {
		return
	}
	mark := filepath.Join(app.locks(), "backend-"+c.pin+"-"+c.backend+".warned")
	if exists(mark) {
		return
	}
	app.note(fmt.Sprintf("%s says keystore %q, and the keys are in %q: new ones go to %q; move them with: %s migrate --from %s --to %s",
		c.from, c.backend, c.pin, c.backend, app.name(), c.pin, c.backend))
	_ = keystore.WriteFileAtomic(mark, nil, 0o600) // else it is said again
}

// backendOf returns where the key of an entry of the index is.
func backendOf(index keystore.Index, e keystore.IndexEntry) string {
	if e.Backend != "" {
		return e.Backend
	}
	if index.Backend != "" {
		return index.Backend
	}
	return config.BackendFile
}

// stored returns the ids of the keys that a plan may use: all that the index
// knows, or those of the keystore that was named for this command.
func (app *App) stored() (map[string]string, error) {
	index, err := app.readIndex()
	if err != nil {
		return nil, err
	}
	only := app.flags.backend
	if only == "" {
		only = app.Env["AWS_VAULT_BACKEND"]
	}
	if only != "" && !slices.Contains(config.Backends, only) {
		from := "AWS_VAULT_BACKEND"
		if app.flags.backend != "" {
			from = "--backend"
		}
		return nil, unknownBackend(from, only)
	}
	ids := make(map[string]string, len(index.Keys))
	for profile, e := range index.Keys {
		if only == "" || backendOf(index, e) == only {
			ids[profile] = e.AccessKeyID
		}
	}
	return ids, nil
}

// keeper returns the backend that has, or would have, the key of a profile.
func (app *App) keeper(profile string) (string, error) {
	c, err := app.choose()
	if err != nil {
		return "", err
	}
	if !c.command {
		if index, err := app.readIndex(); err == nil {
			if e, ok := index.Keys[profile]; ok {
				return backendOf(index, e), nil
			}
		}
	}
	app.warnPin(c)
	return c.backend, nil
}

// holding returns the keystore that has, or would have, the key of a profile.
func (app *App) holding(profile string) (Store, error) {
	backend, err := app.keeper(profile)
	if err != nil {
		return nil, err
	}
	return app.open(backend)
}

// record notes in the index that the backend holds the key of a profile; the
// first one pins it.
func (app *App) record(ctx context.Context, profile, backend string, entry keystore.IndexEntry) error {
	return keystore.UpdateIndex(ctx, app.indexFile(), func(x *keystore.Index) error {
		if x.Backend == "" {
			x.Backend = backend
		}
		if entry.Backend = backend; backend == x.Backend {
			entry.Backend = ""
		}
		entry.Rotating = entry.Rotating || x.Keys[profile].Rotating
		x.Keys[profile] = entry
		return nil
	})
}

// adopt notes in the index the keys that the backend holds and the index does
// not know: it was lost, or vault was killed between the two.
func (app *App) adopt(ctx context.Context, backend string, store Store) error {
	index, err := app.readIndex()
	if err != nil {
		return err
	}
	profiles, err := keystore.Profiles(ctx, store)
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		if _, ok := index.Keys[profile]; ok {
			continue
		}
		key, err := keystore.GetUserKey(ctx, store, profile)
		if err != nil {
			return err
		}
		if err := app.record(ctx, profile, backend, keystore.EntryOf(key)); err != nil {
			return err
		}
		app.note(fmt.Sprintf("found %s of profile %q in %s", key.AccessKeyID, profile, app.where(backend)))
	}
	return nil
}

// sealingStore returns the keystore that has the sealing key: the pinned one.
func (app *App) sealingStore() (Store, error) {
	if index, err := app.readIndex(); err == nil && index.Backend != "" {
		return app.open(index.Backend)
	}
	return app.openStore()
}

// where says, for a person, which keystore a backend is.
func (app *App) where(backend string) string {
	switch backend {
	case config.BackendFile:
		return tilde(app.keysFile(), app.Home)
	case config.BackendSecretService:
		return "the Secret Service"
	case config.BackendKeychain:
		return "the Keychain"
	}
	return "the keystore by command"
}

// isKeystoreError reports whether err is about a keystore that cannot be
// reached or read.
func isKeystoreError(err error) bool {
	var (
		permission *keystore.PermissionError
		file       *keystore.FileError
		index      *keystore.IndexError
		service    *secretservice.Error
		keychain   *keychain.Error
		program    *command.Error
	)
	return errors.Is(err, keystore.ErrVersion) || errors.Is(err, keystore.ErrCorrupt) || errors.Is(err, keystore.ErrLocked) || errors.Is(err, keystore.ErrPassphrase) || errors.Is(err, keystore.ErrUnavailable) ||
		errors.As(err, &permission) || errors.As(err, &file) || errors.As(err, &index) || errors.As(err, &service) ||
		errors.As(err, &keychain) || errors.As(err, &program)
}
