package keystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// File is a Store in one file, sealed under a passphrase. It writes under the
// lock Path+".lock" and unlocks under Path+".unlock.lock", so that of many
// processes that need the passphrase at once one asks, and the others find
// the key in the cache.
type File struct {
	Path string

	// Passphrase asks for the passphrase. Nil means that there is no way to
	// ask: then what needs it fails with ErrLocked, without waiting.
	Passphrase func(ctx context.Context, ask PassphraseRequest) (Secret, error)

	// Cache is where the key of the file rests between operations.
	// Nil means nowhere: each asks.
	Cache DataKeyCache

	// Waiting, if not nil, is called before waiting for another process
	// that is being unlocked.
	Waiting func()

	kdf  func(h header, passphrase []byte) []byte // nil: header.derive
	disk disk                                     // nil: osDisk
}

// A PassphraseRequest says which passphrase is wanted.
type PassphraseRequest struct {
	Path    string
	New     bool // it is being chosen: to be typed twice
	Attempt int  // 1, 2, 3
}

// attempts is how often a passphrase is asked for.
const attempts = 3

var (
	errAbsent = fmt.Errorf("not there: %w", fs.ErrNotExist)
	errStale  = errors.New("another keystore than before")
)

// Get returns the value kept under key.
func (f *File) Get(ctx context.Context, key string) (Secret, error) {
	if err := begin(ctx, key); err != nil {
		return Secret{}, err
	}
	m, err := f.items(ctx)
	if errors.Is(err, errAbsent) {
		return Secret{}, notFound(key)
	}
	if err != nil {
		return Secret{}, err
	}
	defer m.wipe()
	v, ok := m[key]
	if !ok {
		return Secret{}, notFound(key)
	}
	return NewSecret(string(v)), nil
}

// Set keeps value under key. The first one makes the file.
func (f *File) Set(ctx context.Context, key string, value Secret) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	return f.update(ctx, true, func(m items) error {
		m[key] = []byte(value.Reveal())
		return nil
	})
}

// Delete removes key.
func (f *File) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	err := f.update(ctx, false, func(m items) error {
		if _, ok := m[key]; !ok {
			return notFound(key)
		}
		delete(m, key)
		return nil
	})
	if errors.Is(err, errAbsent) {
		return notFound(key)
	}
	return err
}

// Keys returns all keys, sorted.
func (f *File) Keys(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := f.items(ctx)
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer m.wipe()
	return slices.Sorted(maps.Keys(m)), nil
}

// State says Unlocked while the cache holds the key of the file. It does not
// count as use of that key.
func (f *File) State(ctx context.Context) (State, error) {
	if err := ctx.Err(); err != nil {
		return Absent, err
	}
	s, err := f.read()
	switch {
	case errors.Is(err, errAbsent):
		return Absent, nil
	case err != nil:
		return Absent, err
	}
	key := f.cached(ctx, s)
	defer clear(key)
	if key == nil {
		return Locked, nil
	}
	return Unlocked, nil
}

// items returns what is in the file. An error may be errAbsent.
func (f *File) items(ctx context.Context) (items, error) {
	key, s, err := f.unlocked(ctx, false)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	m, err := s.open(key)
	if err != nil {
		return nil, f.wrong(err)
	}
	return m, nil
}

// update changes the items, under the lock. An error may be errAbsent.
func (f *File) update(ctx context.Context, create bool, change func(items) error) error {
	for {
		key, _, err := f.unlocked(ctx, create)
		if err == nil {
			err = f.rewrite(ctx, key, func(s sealed) header { return s.header }, change)
			clear(key)
		}
		if !errors.Is(err, errStale) {
			return err
		}
		// It was removed or made anew meanwhile.
	}
}

// rewrite writes the file with a new header and changed items. It is errStale
// if key is not the key of the file.
func (f *File) rewrite(ctx context.Context, key []byte, head func(sealed) header, change func(items) error) error {
	err := updateFile(ctx, f.osDisk(), f.Path, func(old []byte) ([]byte, error) {
		if old == nil {
			return nil, errStale
		}
		s, err := decode(old)
		if err != nil {
			return nil, f.wrong(err)
		}
		if !s.owns(key) {
			return nil, errStale
		}
		m, err := s.open(key)
		if err != nil {
			return nil, f.wrong(err)
		}
		defer m.wipe()
		if err := change(m); err != nil {
			return nil, err
		}
		return encode(head(s), key, m)
	})
	return f.wrong(err)
}

// read reads the file. An error may be errAbsent.
func (f *File) read() (sealed, error) {
	data, err := ReadFilePrivate(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return sealed{}, errAbsent
	}
	if err != nil {
		return sealed{}, f.wrong(err)
	}
	s, err := decode(data)
	return s, f.wrong(err)
}

// wrong gives err the path of the file, if it does not name it yet.
func (f *File) wrong(err error) error {
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, errAbsent) || errors.Is(err, errStale) {
		return err
	}
	var file *FileError
	if errors.As(err, &file) || errors.Is(err, ErrPermissions) {
		return err
	}
	if path, ok := err.(*fs.PathError); ok && path.Path == f.Path {
		err = fmt.Errorf("%s: %w", path.Op, path.Err)
	}
	return &FileError{Path: f.Path, Err: err}
}

func (f *File) osDisk() disk {
	if f.disk != nil {
		return f.disk
	}
	return osDisk{}
}
