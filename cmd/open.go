package cmd

import (
	"context"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

// OpenStore returns the keystore that o names.
func OpenStore(o StoreOptions) (Store, error) {
	switch o.Backend {
	case config.BackendFile:
		return &keystore.File{Path: o.Path, Passphrase: o.Passphrase, Cache: o.Cache, Waiting: o.Waiting}, nil
	}
	return nil, unknownBackend("backend", o.Backend)
}

// AutomaticBackend returns the keystore to begin with where nobody named one.
func AutomaticBackend(_ context.Context, _ string) (backend, why string) {
	return config.BackendFile, ""
}
