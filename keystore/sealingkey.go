package keystore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
)

const sealingKeyName = internalPrefix + "sealing-key"

// SealingKey returns the 32 random bytes under which cached sessions are
// sealed: from cache, which may be nil, else from store, where it makes them
// at first need. It makes them under the lock file at lock, so that processes
// that need the key at once end with the same one.
func SealingKey(ctx context.Context, store Store, cache DataKeyCache, lock string) ([]byte, error) {
	if cache == nil {
		cache = Caches(nil)
	}
	if key, ok := cache.Load(ctx); ok && len(key) == keySize {
		cache.Touch()
		return key, nil
	}
	// Not under the lock: another may hold it while it waits for a human,
	// and who cannot ask one shall not wait for him.
	key, err := ownKey(ctx, store, sealingKeyName, lock)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	_ = cache.Save(key)
	return key, nil
}

// NewSealingKey returns a sealing key that no store has.
func NewSealingKey() []byte { return randomBytes(keySize) }

// ownKey returns the random key that store keeps under a name of vault's own,
// and makes it at first need.
func ownKey(ctx context.Context, store Store, name, lock string) ([]byte, error) {
	key, err := readOwnKey(ctx, store, name)
	if !errors.Is(err, ErrNotFound) {
		return key, err
	}
	unlock, err := Lock(ctx, lock)
	if err != nil {
		return nil, err
	}
	defer unlock()
	key, err = readOwnKey(ctx, store, name)
	if !errors.Is(err, ErrNotFound) {
		return key, err
	}
	key = randomBytes(keySize)
	if err := store.Set(ctx, name, NewSecret(base64.StdEncoding.EncodeToString(key))); err != nil {
		return nil, err
	}
	return key, nil
}

func readOwnKey(ctx context.Context, store Store, name string) ([]byte, error) {
	value, err := store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(value.Reveal())
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%w: not %d bytes", ErrCorrupt, keySize)
	}
	return key, nil
}
