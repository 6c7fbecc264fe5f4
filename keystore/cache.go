package keystore

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"
)

// A DataKeyCache is where a key rests between operations, so that not every
// one asks.
type DataKeyCache interface {
	// Load returns a copy of the key, which the caller clears after use.
	Load(ctx context.Context) (key []byte, ok bool)

	// Touch says that the key was used: its time of rest begins anew.
	Touch()

	// Save keeps a copy of key. A cache that cannot says why; it is never
	// necessary.
	Save(key []byte) error

	// Drop forgets the key. There being none is no error.
	Drop() error
}

// Caches saves in the first of its members that can, and loads from the first
// that has a key. Kernel keyring first, memory second serves a command that
// needs the key several times where there is no kernel keyring.
type Caches []DataKeyCache

var errNowhere = errors.New("nowhere to keep it")

// Load loads from the first that has a key.
func (c Caches) Load(ctx context.Context) ([]byte, bool) {
	for _, cache := range c {
		if key, ok := cache.Load(ctx); ok {
			return key, true
		}
	}
	return nil, false
}

// Touch touches all.
func (c Caches) Touch() {
	for _, cache := range c {
		cache.Touch()
	}
}

// Save saves in the first that can.
func (c Caches) Save(key []byte) error {
	if len(c) == 0 {
		return errNowhere
	}
	errs := make([]error, 0, len(c))
	for _, cache := range c {
		err := cache.Save(key)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Drop drops from all.
func (c Caches) Drop() error {
	var errs []error
	for _, cache := range c {
		errs = append(errs, cache.Drop())
	}
	return errors.Join(errs...)
}

// HeldKey is a DataKeyCache in the memory of this process.
type HeldKey struct {
	Idle time.Duration // forgotten when not used for that long; 0: no matter
	Max  time.Duration // forgotten that long after Save
	Now  func() time.Time

	mu   sync.Mutex
	key  []byte
	idle time.Time
	end  time.Time
}

// Load returns a copy of the key.
func (h *HeldKey) Load(context.Context) ([]byte, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire(h.Now())
	return bytes.Clone(h.key), h.key != nil
}

// Touch begins the idle time anew.
func (h *HeldKey) Touch() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.Now()
	h.expire(now) // too late is too late
	h.idle = now.Add(h.Idle)
}

// Save keeps a copy of key.
func (h *HeldKey) Save(key []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop()
	now := h.Now()
	h.key, h.idle, h.end = bytes.Clone(key), now.Add(h.Idle), now.Add(h.Max)
	return nil
}

// Drop forgets the key.
func (h *HeldKey) Drop() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop()
	return nil
}

func (h *HeldKey) expire(now time.Time) {
	if !now.Before(h.end) || (h.Idle > 0 && !now.Before(h.idle)) {
		h.drop()
	}
}

func (h *HeldKey) drop() {
	clear(h.key)
	h.key = nil
}
