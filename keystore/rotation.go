package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What a rotation of a profile's access key has come to is kept under
// "rotation/PROFILE", beside the key.
const rotationPrefix = "rotation/"

// RotationName returns the key under which an unfinished rotation of the
// access key of profile is kept.
func RotationName(profile string) string { return rotationPrefix + profile }

// RotationOf is the inverse of RotationName; ok is false for other keys.
func RotationOf(key string) (profile string, ok bool) { return strings.CutPrefix(key, rotationPrefix) }

// A Stage says how far a rotation has come: what is done, for good.
type Stage string

// The stages, in their order.
const (
	Begun       Stage = "begun"       // AWS may have made a key whose secret nobody has
	Stored      Stage = "stored"      // the new key lies here, beside the old one
	Verified    Stage = "verified"    // AWS takes the new key
	Switched    Stage = "switched"    // the new key is that of the profile
	Deactivated Stage = "deactivated" // AWS no longer takes the old key
)

// A Rotation is the replacing of an access key by a new one, written down
// before each step, so that whoever comes after a crash can go on.
type Rotation struct {
	Stage   Stage
	Began   time.Time // when AWS was asked for the new key
	ARN     string    // of the user
	Known   []string  // ids of the user's keys before that; nil if AWS did not tell
	KeepOld bool      // the old key is deactivated and not deleted
	Old     UserKey
	New     UserKey // from Stored on
}

type rotationJSON struct {
	V       int             `json:"v"`
	Stage   Stage           `json:"stage"`
	Began   time.Time       `json:"began"`
	ARN     string          `json:"arn,omitempty"`
	Known   []string        `json:"known,omitempty"`
	KeepOld bool            `json:"keep_old,omitempty"`
	Old     json.RawMessage `json:"old"`
	New     json.RawMessage `json:"new,omitempty"`
}

// PutRotation keeps r for profile in store, and reads it back: the secret of a
// new key is nowhere else, and AWS does not show it again.
func PutRotation(ctx context.Context, store Store, profile string, r Rotation) error {
	value, err := marshalRotation(r)
	if err == nil {
		err = SetAndCompare(ctx, store, RotationName(profile), value)
	}
	return rotationError(profile, err)
}

// GetRotation returns the unfinished rotation of the key of profile from
// store; ErrNotFound if there is none.
func GetRotation(ctx context.Context, store Store, profile string) (Rotation, error) {
	value, err := store.Get(ctx, RotationName(profile))
	if err != nil {
		return Rotation{}, rotationError(profile, err)
	}
	r, err := unmarshalRotation(value)
	return r, rotationError(profile, err)
}

// DeleteRotation removes the rotation of the key of profile from store. There
// being none is no error.
func DeleteRotation(ctx context.Context, store Store, profile string) error {
	err := store.Delete(ctx, RotationName(profile))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return rotationError(profile, err)
}

func rotationError(profile string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("rotation of the key of profile %q: %w", profile, err)
}

func marshalRotation(r Rotation) (Secret, error) {
	j := rotationJSON{V: version, Stage: r.Stage, Began: r.Began.UTC().Truncate(time.Second), ARN: r.ARN, Known: r.Known, KeepOld: r.KeepOld}
	old, err := MarshalUserKey(r.Old)
	if err != nil {
		return Secret{}, err
	}
	j.Old = json.RawMessage(old.Reveal())
	defer clear(j.Old)
	if r.Stage != Begun {
		key, err := MarshalUserKey(r.New)
		if err != nil {
			return Secret{}, err
		}
		j.New = json.RawMessage(key.Reveal())
		defer clear(j.New)
	}
	data, err := json.Marshal(j)
	if err != nil {
		return Secret{}, errors.New("rotation does not fit into JSON")
	}
	defer clear(data)
	return NewSecret(string(data)), nil
}

// unmarshalRotation is the inverse of marshalRotation. The error is ErrCorrupt
// or ErrVersion.
func unmarshalRotation(value Secret) (Rotation, error) {
	data := []byte(value.Reveal())
	defer clear(data)
	var j rotationJSON
	// What encoding/json says may quote the value: not passed on.
	if json.Unmarshal(data, &j) != nil || j.V < version {
		return Rotation{}, fmt.Errorf("%w: not a rotation", ErrCorrupt)
	}
	defer clear(j.Old)
	defer clear(j.New)
	if j.V > version {
		return Rotation{}, fmt.Errorf("%w: rotation of version %d", ErrVersion, j.V)
	}
	r := Rotation{Stage: j.Stage, Began: j.Began, ARN: j.ARN, Known: j.Known, KeepOld: j.KeepOld}
	var err error
	if r.Old, err = UnmarshalUserKey(NewSecret(string(j.Old))); err != nil {
		return Rotation{}, err
	}
	switch j.Stage {
	case Begun:
		return r, nil
	case Stored, Verified, Switched, Deactivated:
		r.New, err = UnmarshalUserKey(NewSecret(string(j.New)))
		return r, err
	}
	return Rotation{}, fmt.Errorf("%w: no such stage of a rotation", ErrCorrupt)
}
