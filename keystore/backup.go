package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

const backupKeyName = internalPrefix + "backup-key"

// BackupKey returns the 32 random bytes under which backups are sealed, which
// it makes in store at first need, under the lock file at lock. It is not the
// sealing key: that rests in the kernel for longer than the keys do which a
// backup may hold.
func BackupKey(ctx context.Context, store Store, lock string) ([]byte, error) {
	key, err := ownKey(ctx, store, backupKeyName, lock)
	if err != nil {
		return nil, fmt.Errorf("key for backups: %w", err)
	}
	return key, nil
}

// A Backup is a file as it was before secrets were removed from it.
type Backup struct {
	Path string // where it was
	Made time.Time
	Data Secret
}

type backupJSON struct {
	V      int       `json:"vault_backup"`
	Path   string    `json:"path"`
	Made   time.Time `json:"made"`
	Sealed []byte    `json:"sealed,omitempty"`
}

// header is what the seal covers beside the data: all but itself.
func (b backupJSON) header() ([]byte, error) {
	b.Sealed = nil
	text, err := json.Marshal(b)
	return append([]byte("vault backup\n"), text...), err
}

// Seal returns b as it is kept: its data sealed under key, with
// XChaCha20-Poly1305.
func (b Backup) Seal(key []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	j := backupJSON{V: version, Path: b.Path, Made: b.Made.UTC().Truncate(time.Second)}
	header, err := j.header()
	if err != nil {
		return nil, err
	}
	plain := []byte(b.Data.Reveal())
	defer clear(plain)
	nonce := randomBytes(aead.NonceSize())
	j.Sealed = aead.Seal(nonce, nonce, plain, header)
	text, err := json.MarshalIndent(j, "", "\t")
	return append(text, '\n'), err
}

// OpenBackup is the inverse of Seal. key is called once it is known that text
// is a backup. The error is ErrCorrupt, ErrVersion, or key's.
func OpenBackup(text []byte, key func() ([]byte, error)) (Backup, error) {
	var j backupJSON
	if json.Unmarshal(text, &j) != nil || j.V < version || j.Path == "" {
		return Backup{}, fmt.Errorf("%w: not a backup of vault's", ErrCorrupt)
	}
	if j.V > version {
		return Backup{}, fmt.Errorf("%w: backup of version %d", ErrVersion, j.V)
	}
	k, err := key()
	if err != nil {
		return Backup{}, err
	}
	defer clear(k)
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		return Backup{}, err
	}
	header, err := j.header()
	if err != nil || len(j.Sealed) < aead.NonceSize() {
		return Backup{}, fmt.Errorf("%w: backup cut short", ErrCorrupt)
	}
	n := aead.NonceSize()
	plain, err := aead.Open(nil, j.Sealed[:n], j.Sealed[n:], header)
	if err != nil {
		return Backup{}, fmt.Errorf("%w: %w", ErrCorrupt, errOtherBackup)
	}
	defer clear(plain)
	return Backup{j.Path, j.Made, NewSecret(string(plain))}, nil
}

var errOtherBackup = errors.New("the backup was changed, or is another keystore's")
