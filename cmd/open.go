package cmd

import (
	"context"
	"errors"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
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
	}
	return nil, unknownBackend("backend", o.Backend)
}

// AutomaticBackend returns the keystore to begin with where nobody named one.
func AutomaticBackend(ctx context.Context, bus string) (backend, why string) {
	err := secretservice.Probe(ctx, bus)
	switch {
	case err == nil:
		return config.BackendSecretService, ""
	case errors.Is(err, secretservice.ErrNoBus):
		return config.BackendFile, "there is no session bus, and so no Secret Service"
	}
	return config.BackendFile, "the Secret Service does not serve: " + err.Error()
}
