package keystore

import (
	"context"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Unlock asks for the passphrase, unless the cache holds the key of the file.
// A file that is not there is fs.ErrNotExist.
func (f *File) Unlock(ctx context.Context) error {
	m, err := f.items(ctx)
	m.wipe()
	if errors.Is(err, errAbsent) {
		return &FileError{Path: f.Path, Err: err}
	}
	return err
}

// Lock drops the key of the file from the cache.
func (f *File) Lock() error {
	if f.Cache == nil {
		return nil
	}
	return f.Cache.Drop()
}

// unlocked returns the file and its key, from the cache or by asking. With
// create it makes a file that is not there; else that is errAbsent.
func (f *File) unlocked(ctx context.Context, create bool) ([]byte, sealed, error) {
	s, err := f.read()
	absent := errors.Is(err, errAbsent)
	if err != nil && !(absent && create) {
		return nil, s, err
	}
	if !absent {
		if key := f.cached(ctx, s); key != nil {
			f.Cache.Touch()
			return key, s, nil
		}
	}
	if f.Passphrase == nil {
		return nil, s, f.wrong(ErrLocked)
	}
	release, err := f.lockUnlock(ctx)
	switch {
	case err == nil:
		defer release()
	case absent || !readOnly(err):
		return nil, s, f.wrong(err)
	}

	// Another process may have been here meanwhile.
	s, err = f.read()
	switch {
	case errors.Is(err, errAbsent) && create:
		return f.create(ctx)
	case err != nil:
		return nil, s, err
	}
	if key := f.cached(ctx, s); key != nil {
		f.Cache.Touch()
		return key, s, nil
	}
	key, err := f.ask(ctx, s)
	if err != nil {
		return nil, s, err
	}
	f.save(key)
	return key, s, nil
}

// Rewrap changes the passphrase: it asks for the old one, even if the cache
// holds the key of the file, and for the new one. The key stays the same. A
// file that is not there is fs.ErrNotExist.
func (f *File) Rewrap(ctx context.Context) error {
	if f.Passphrase == nil {
		return f.wrong(ErrLocked)
	}
	release, err := f.lockUnlock(ctx)
	if err != nil {
		return f.wrong(err)
	}
	defer release()
	s, err := f.read()
	if errors.Is(err, errAbsent) {
		return &FileError{Path: f.Path, Err: err}
	}
	if err != nil {
		return err
	}
	key, err := f.ask(ctx, s)
	if err != nil {
		return err
	}
	defer clear(key)
	h, err := f.choose(ctx, key)
	if err != nil {
		return err
	}
	return f.rewrite(ctx, key, func(sealed) header { return h }, func(items) error { return nil })
}

// create makes an empty file under a new passphrase. The caller holds the
// unlock lock.
func (f *File) create(ctx context.Context) ([]byte, sealed, error) {
	key := randomBytes(keySize)
	s, err := f.createWith(ctx, key)
	if err != nil {
		clear(key)
		return nil, sealed{}, f.wrong(err)
	}
	f.save(key)
	return key, s, nil
}

func (f *File) createWith(ctx context.Context, key []byte) (sealed, error) {
	h, err := f.choose(ctx, key)
	if err != nil {
		return sealed{}, err
	}
	data, err := encode(h, key, items{})
	if err != nil {
		return sealed{}, err
	}
	err = updateFile(ctx, f.osDisk(), f.Path, func(old []byte) ([]byte, error) {
		if old != nil {
			return nil, errStale
		}
		return data, nil
	})
	if err != nil {
		return sealed{}, err
	}
	return decode(data)
}

// choose asks for a new passphrase and wraps key under it.
func (f *File) choose(ctx context.Context, key []byte) (header, error) {
	for attempt := 1; attempt <= attempts; attempt++ {
		passphrase, err := f.Passphrase(ctx, PassphraseRequest{Path: f.Path, New: true, Attempt: attempt})
		if err != nil {
			return header{}, f.wrong(err)
		}
		if passphrase.IsZero() {
			continue
		}
		h := newHeader(key)
		kek, err := f.derive(ctx, h, passphrase)
		if err != nil {
			return header{}, f.wrong(err)
		}
		defer clear(kek)
		return h.wrap(kek, key), nil
	}
	return header{}, &FileError{Path: f.Path, Err: ErrPassphrase, Reason: "it is empty"}
}

// ask asks for the passphrase of s and returns the data key.
func (f *File) ask(ctx context.Context, s sealed) ([]byte, error) {
	for attempt := 1; attempt <= attempts; attempt++ {
		passphrase, err := f.Passphrase(ctx, PassphraseRequest{Path: f.Path, Attempt: attempt})
		if err != nil {
			return nil, f.wrong(err)
		}
		if passphrase.IsZero() {
			continue
		}
		kek, err := f.derive(ctx, s.header, passphrase)
		if err != nil {
			return nil, f.wrong(err)
		}
		key, ok := s.unwrap(kek)
		clear(kek)
		switch {
		case ok && !s.owns(key):
			clear(key)
			return nil, f.wrong(ErrCorrupt)
		case ok:
			return key, nil
		}
	}
	return nil, f.wrong(ErrPassphrase)
}

// derive runs the key derivation, and leaves it behind when ctx is done.
func (f *File) derive(ctx context.Context, h header, passphrase Secret) ([]byte, error) {
	kdf := f.kdf
	if kdf == nil {
		kdf = header.derive
	}
	done := make(chan []byte, 1)
	go func() {
		p := []byte(passphrase.Reveal())
		defer clear(p)
		done <- kdf(h, p)
	}()
	select {
	case kek := <-done:
		return kek, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lockUnlock takes the lock that is held while a passphrase is asked for.
func (f *File) lockUnlock(ctx context.Context) (func(), error) {
	path := f.Path + ".unlock.lock"
	release, ok, err := TryLock(path)
	if ok || err != nil {
		return release, err
	}
	if f.Waiting != nil {
		f.Waiting()
	}
	return Lock(ctx, path)
}

// readOnly reports whether err says that nothing can be written here. A file
// that is there can still be unlocked, only not in turn with others.
func readOnly(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrPermission)
}

// cached returns the key of s from the cache, or nil.
func (f *File) cached(ctx context.Context, s sealed) []byte {
	if f.Cache == nil {
		return nil
	}
	key, ok := f.Cache.Load(ctx)
	if !ok {
		return nil
	}
	if !s.owns(key) {
		clear(key)
		return nil
	}
	return key
}

// save puts key into the cache. Where there is none, the next operation asks
// again: nothing is lost.
func (f *File) save(key []byte) {
	if f.Cache != nil {
		_ = f.Cache.Save(key)
	}
}
