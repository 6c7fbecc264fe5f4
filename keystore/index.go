package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Index says in clear which backend holds the long-lived keys, and which
// there are. It holds no secret. The keystore is the truth; the index spares
// opening it.
type Index struct {
	Backend string // where keys were first written to; empty: nowhere yet
	Keys    map[string]IndexEntry
}

// IndexEntry is what the index knows of the key of a profile.
type IndexEntry struct {
	AccessKeyID string    `json:"access_key_id"`
	Added       time.Time `json:"added,omitzero"`
	Backend     string    `json:"backend,omitempty"`    // that holds it, if that is not the index's
	MFASerial   string    `json:"mfa_serial,omitempty"` // of the device whose secret lies beside the key
	Rotating    bool      `json:"rotating,omitempty"`   // a rotation of the key is unfinished
}

// EntryOf returns what the index says of key, added when it was created.
func EntryOf(key UserKey) IndexEntry {
	e := IndexEntry{AccessKeyID: key.AccessKeyID, Added: key.Created}
	if !key.MFASeed.IsZero() {
		e.MFASerial = key.MFASerial
	}
	return e
}

type indexJSON struct {
	V       int                   `json:"v"`
	Backend string                `json:"backend,omitempty"`
	Keys    map[string]IndexEntry `json:"keys"`
}

// An IndexError reports an index that does not parse: what it says is not
// known, and RebuildIndex makes it anew.
type IndexError struct {
	Path   string
	Reason string
}

func (e *IndexError) Error() string { return fmt.Sprintf("index %q: %s", e.Path, e.Reason) }

// ReadIndex reads the index at path. A missing one is empty. The error is an
// *IndexError, ErrVersion, ErrPermissions, or of the file system.
func ReadIndex(path string) (Index, error) {
	data, err := ReadFilePrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Index{}, nil
	}
	if err != nil {
		return Index{}, ofIndex(path, err)
	}
	return parseIndex(path, data)
}

// ofIndex makes of an error of the file system about the index at path a
// *FileError.
func ofIndex(path string, err error) error {
	var file *FileError
	var at *fs.PathError
	if errors.As(err, &file) || !errors.As(err, &at) || !strings.HasPrefix(at.Path, filepath.Dir(path)) && !strings.HasPrefix(path, at.Path) {
		return err // of something else
	}
	return &FileError{Path: path, Err: fmt.Errorf("%s: %w", at.Op, at.Err)}
}

// UpdateIndex changes the index at path under its lock. An index that does
// not parse is an *IndexError and is left as it is; what the file system
// refuses is a *FileError.
func UpdateIndex(ctx context.Context, path string, change func(*Index) error) error {
	return ofIndex(path, UpdateFile(ctx, path, func(old []byte) ([]byte, error) {
		var ix Index
		if old != nil {
			var err error
			if ix, err = parseIndex(path, old); err != nil {
				return nil, err
			}
		}
		if ix.Keys == nil {
			ix.Keys = map[string]IndexEntry{}
		}
		if err := change(&ix); err != nil {
			return nil, err
		}
		return ix.format()
	}))
}

// RebuildIndex writes the index at path from what is in store, which is the
// backend with that name. It reads every access key, and may ask; the index
// is locked meanwhile. What the old index still tells is when keys were added.
func RebuildIndex(ctx context.Context, path, backend string, store Store) error {
	return UpdateFile(ctx, path, func(old []byte) ([]byte, error) {
		before, err := parseIndex(path, old)
		if errors.Is(err, ErrVersion) {
			return nil, err
		}
		keys, err := store.Keys(ctx)
		if err != nil {
			return nil, err
		}
		ix := Index{Backend: backend, Keys: map[string]IndexEntry{}}
		for profile, e := range before.Keys {
			// Of other backends there is only what the index said.
			if e.Backend == "" {
				e.Backend = before.Backend
			}
			if e.Backend != "" && e.Backend != backend {
				ix.Keys[profile] = e
			}
		}
		for _, key := range keys {
			profile, ok := ProfileOf(key)
			if !ok {
				continue
			}
			key, err := GetUserKey(ctx, store, profile)
			if err != nil {
				return nil, err
			}
			entry := EntryOf(key)
			if e := before.Keys[profile]; e.AccessKeyID == entry.AccessKeyID && !e.Added.IsZero() {
				entry.Added = e.Added
			}
			entry.Rotating = slices.Contains(keys, RotationName(profile))
			ix.Keys[profile] = entry
		}
		return ix.format()
	})
}

func parseIndex(path string, data []byte) (Index, error) {
	var ix indexJSON
	if err := json.Unmarshal(data, &ix); err != nil {
		return Index{}, &IndexError{path, "it does not parse"}
	}
	switch {
	case ix.V < version:
		return Index{}, &IndexError{path, "no version"}
	case ix.V > version:
		return Index{}, fmt.Errorf("index %q: %w: version %d", path, ErrVersion, ix.V)
	}
	return Index{ix.Backend, ix.Keys}, nil
}

func (ix Index) format() ([]byte, error) {
	data, err := json.MarshalIndent(indexJSON{version, ix.Backend, ix.Keys}, "", "\t")
	return append(data, '\n'), err
}
