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
// at first need. It does so under the lock file at lock, so that processes
// that need the key at once end with the same one, and open the store once.
func SealingKey(ctx context.Context, store Store, cache DataKeyCache, lock string) ([]byte, error) {
	if cache == nil {
		cache = Caches(nil)
	}
	if key, ok := loadSealingKey(ctx, cache); ok {
		return key, nil
	}
	unlock, err := Lock(ctx, lock)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	defer unlock()
	if key, ok := loadSealingKey(ctx, cache); ok {
		return key, nil
	}
	key, err := storedSealingKey(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	_ = cache.Save(key)
	return key, nil
}

func loadSealingKey(ctx context.Context, cache DataKeyCache) ([]byte, bool) {
	key, ok := cache.Load(ctx)
	if !ok || len(key) != keySize {
		clear(key)
		return nil, false
	}
	cache.Touch()
	return key, true
}

func storedSealingKey(ctx context.Context, store Store) ([]byte, error) {
	value, err := store.Get(ctx, sealingKeyName)
	if errors.Is(err, ErrNotFound) {
		key := randomBytes(keySize)
		return key, store.Set(ctx, sealingKeyName, NewSecret(base64.StdEncoding.EncodeToString(key)))
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(value.Reveal())
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%w: not %d bytes", ErrCorrupt, keySize)
	}
	return key, nil
}
