package keystore

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Memory is a Store that forgets all with the process, for tests.
// The zero Memory is empty and ready.
type Memory struct {
	mu    sync.Mutex
	items map[string]string
}

// Get returns the value kept under key.
func (m *Memory) Get(ctx context.Context, key string) (Secret, error) {
	if err := begin(ctx, key); err != nil {
		return Secret{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.items[key]
	if !ok {
		return Secret{}, notFound(key)
	}
	return NewSecret(v), nil
}

// Set keeps value under key.
func (m *Memory) Set(ctx context.Context, key string, value Secret) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.items == nil {
		m.items = map[string]string{}
	}
	m.items[key] = value.Reveal()
	return nil
}

// Delete removes key.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.items[key]; !ok {
		return notFound(key)
	}
	delete(m.items, key)
	return nil
}

// Keys returns all keys, sorted.
func (m *Memory) Keys(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.items)), nil
}

// State is Unlocked.
func (m *Memory) State(ctx context.Context) (State, error) { return Unlocked, ctx.Err() }

// begin reports what makes an operation on key pointless.
func begin(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return CheckKey(key)
}
