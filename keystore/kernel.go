package keystore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path/filepath"
	"time"
)

// KernelKey is a DataKeyCache in the kernel's keyring of this user (Linux):
// in memory, never on disk, gone when its time is over or the machine stops,
// and out of reach of other users. Where there is none Load has nothing and
// Save says why; no file takes its place.
type KernelKey struct {
	Description string
	Idle        time.Duration // gone when not used for that long; 0: no matter
	Max         time.Duration // gone that long after Save
	Now         func() time.Time
}

// DataKeyDescription returns the name under which the key of the sealed file
// at path rests in the kernel keyring.
func DataKeyDescription(path string) string { return describe("vault:datakey:", path) }

// SealingKeyDescription returns the name under which the sealing key of the
// store at path, or with that name, rests in the kernel keyring.
func SealingKeyDescription(store string) string { return describe("vault:sealingkey:", store) }

func describe(prefix, path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	sum := sha256.Sum256([]byte(path))
	return prefix + hex.EncodeToString(sum[:16])
}

// What the kernel keeps is the end of the key's time, in seconds since 1970
// and 8 bytes, and the key. The kernel's own timeout is the idle time.
const endSize = 8

// errNoTime reports a key that would be gone before it was kept.
var errNoTime = errors.New("no time left to keep it")

// Load returns the key.
func (k KernelKey) Load(context.Context) ([]byte, bool) {
	_, key, _, ok := k.load()
	return key, ok
}

func (k KernelKey) load() (id int, key []byte, end time.Time, ok bool) {
	id, payload, ok := kernelRead(k.Description)
	if !ok {
		return 0, nil, time.Time{}, false
	}
	defer clear(payload)
	if len(payload) <= endSize {
		return 0, nil, time.Time{}, false
	}
	end = time.Unix(int64(binary.BigEndian.Uint64(payload)), 0)
	if !k.Now().Before(end) {
		_ = kernelDrop(k.Description)
		return 0, nil, time.Time{}, false
	}
	return id, append([]byte(nil), payload[endSize:]...), end, true
}

// Touch begins the idle time anew; it never moves the end.
func (k KernelKey) Touch() {
	if k.Idle <= 0 {
		return
	}
	id, key, end, ok := k.load()
	clear(key)
	if ok {
		kernelTimeout(id, k.timeout(end))
	}
}

// Save keeps key for Max.
func (k KernelKey) Save(key []byte) error { return k.SaveUntil(key, k.Now().Add(k.Max)) }

// SaveUntil keeps key until end.
func (k KernelKey) SaveUntil(key []byte, end time.Time) error {
	end = end.Truncate(time.Second)
	seconds := k.timeout(end)
	if seconds <= 0 {
		return errNoTime
	}
	payload := binary.BigEndian.AppendUint64(make([]byte, 0, endSize+len(key)), uint64(end.Unix()))
	payload = append(payload, key...)
	defer clear(payload)
	return kernelWrite(k.Description, payload, seconds)
}

// Extend keeps a key that is there until end, if that is later than it would
// have been kept. Callers that extend at the same time need a lock.
func (k KernelKey) Extend(end time.Time) error {
	_, key, old, ok := k.load()
	defer clear(key)
	if !ok || !end.After(old) {
		return nil
	}
	return k.SaveUntil(key, end)
}

// Drop removes the key from the kernel.
func (k KernelKey) Drop() error { return kernelDrop(k.Description) }

// timeout returns after how many seconds a key with that end shall go when it
// is not used.
func (k KernelKey) timeout(end time.Time) int {
	d := end.Sub(k.Now())
	if k.Idle > 0 {
		d = min(d, k.Idle)
	}
	return int((d + time.Second - 1) / time.Second)
}
