package cmd

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/command"
	"github.com/shellvault/vault/keystore/keychain"
	"github.com/shellvault/vault/keystore/secretservice"
)

// OpenStore returns the keystore that o names.
func OpenStore(o StoreOptions) (Store, error) {
	switch o.Backend {
	case config.BackendFile:
		return &keystore.File{Path: o.Path, Passphrase: o.Passphrase, Cache: o.Cache, Waiting: o.Waiting}, nil
	case config.BackendSecretService:
		s := &secretservice.Store{
			Address: o.Bus, Plain: o.Plain, Collection: o.Collection, LockPath: o.LockFile,
			Waiting: o.Waiting, Dialog: o.Dialog,
		}
		switch o.Ask {
		case AskTerminal:
			s.Ask, s.Passphrase = secretservice.AskTerminal, o.KeyringPassphrase
		case AskAnyhow:
			s.Ask, s.Passphrase = secretservice.AskAnyhow, o.KeyringPassphrase
		}
		return s, nil
	case config.BackendKeychain:
		s, err := keychain.Open(keychain.Options{Unattended: o.Ask != AskAnyhow})
		if err != nil {
			return nil, err // not s: a nil *Store is not a nil Store
		}
		return s, nil
	case config.BackendCommand:
		commands, err := command.Parse(command.Lines{Get: o.Command.Get, Set: o.Command.Set, Delete: o.Command.Delete, List: o.Command.List})
		if err != nil {
			return nil, err
		}
		s := &command.Store{
			Commands: commands, Timeout: o.Command.Timeout, Environ: o.Environ, LockPath: o.LockFile,
			Unattended: o.Ask == AskNobody, Stderr: o.Stderr, Waiting: o.Waiting,
		}
		if o.Ask == AskTerminal {
			s.Environ = slices.DeleteFunc(slices.Clone(o.Environ), isDisplay)
		}
		if o.Ask != AskNobody {
			s.Terminal = o.Terminal
		}
		return s, nil
	}
	return nil, unknownBackend("backend", o.Backend)
}

// isDisplay reports whether a variable leads a program to the desktop.
func isDisplay(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return name == "DISPLAY" || name == "WAYLAND_DISPLAY"
}

// AutomaticBackend returns the keystore to begin with where nobody named one.
func AutomaticBackend(ctx context.Context, bus string) (backend, why string) {
	if runtime.GOOS == "darwin" {
		if err := keychain.Available(); err != nil {
			return config.BackendFile, err.Error()
		}
		return config.BackendKeychain, ""
	}
	err := secretservice.Probe(ctx, bus)
	switch {
	case err == nil:
		return config.BackendSecretService, ""
	case errors.Is(err, secretservice.ErrNoBus):
		return config.BackendFile, "there is no session bus, and so no Secret Service"
	}
	return config.BackendFile, "the Secret Service does not serve: " + err.Error()
}
