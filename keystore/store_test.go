package keystore_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/keystoretest"
)

func TestMemory(t *testing.T) {
	keystoretest.TestStore(t, func(*testing.T) keystore.Store { return new(keystore.Memory) })
}

func TestFile(t *testing.T) {
	keystoretest.TestStore(t, func(t *testing.T) keystore.Store {
		return &keystore.File{
			Path: filepath.Join(t.TempDir(), "vault", "keys"),
			Passphrase: func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
				return keystore.NewSecret("correct horse"), nil
			},
			Cache: &keystore.HeldKey{Max: time.Hour, Now: time.Now},
		}
	})
}
