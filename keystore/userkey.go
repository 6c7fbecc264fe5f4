package keystore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Keys of users are kept under "key/PROFILE"; what vault keeps for itself
// under "internal/…".
const (
	userPrefix     = "key/"
	internalPrefix = "internal/"
)

// KeyName returns the key under which the access key of profile is kept.
func KeyName(profile string) string { return userPrefix + profile }

// ProfileOf is the inverse of KeyName; ok is false for internal keys.
func ProfileOf(key string) (profile string, ok bool) { return strings.CutPrefix(key, userPrefix) }

// Profiles returns the profiles with an access key in store, sorted.
func Profiles(ctx context.Context, store Store) ([]string, error) {
	keys, err := store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	var profiles []string
	for _, key := range keys {
		if profile, ok := ProfileOf(key); ok {
			profiles = append(profiles, profile)
		}
	}
	return profiles, nil
}

// UserKey is the long-lived access key of an IAM user.
type UserKey struct {
	AccessKeyID     string
	SecretAccessKey Secret
	Created         time.Time // zero: not known
	MFASerial       string    // empty: none, or not known
	MFASeed         Secret    // of that device, where the user wants it here
}

type userKeyJSON struct {
	V               int       `json:"v"`
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	Created         time.Time `json:"created,omitzero"`
	MFASerial       string    `json:"mfa_serial,omitempty"`
	MFASeed         string    `json:"mfa_seed,omitempty"`
}

// MarshalUserKey returns k as it is kept in a store.
func MarshalUserKey(k UserKey) (Secret, error) {
	if k.AccessKeyID == "" || k.SecretAccessKey.IsZero() {
		return Secret{}, errors.New("access key is incomplete")
	}
	data, err := json.Marshal(userKeyJSON{
		V:               version,
		AccessKeyID:     k.AccessKeyID,
		SecretAccessKey: k.SecretAccessKey.Reveal(),
		Created:         k.Created.UTC().Truncate(time.Second),
		MFASerial:       k.MFASerial,
		MFASeed:         k.MFASeed.Reveal(),
	})
	if err != nil {
		return Secret{}, errors.New("access key does not fit into JSON")
	}
	defer clear(data)
	return NewSecret(string(data)), nil
}

// UnmarshalUserKey is the inverse of MarshalUserKey. It passes over what it
// does not know. The error is ErrCorrupt or ErrVersion.
func UnmarshalUserKey(value Secret) (UserKey, error) {
	data := []byte(value.Reveal())
	defer clear(data)
	var k userKeyJSON
	// What encoding/json says may quote the value: not passed on.
	if json.Unmarshal(data, &k) != nil || k.V < version {
		return UserKey{}, fmt.Errorf("%w: not an access key", ErrCorrupt)
	}
	if k.V > version {
		return UserKey{}, fmt.Errorf("%w: access key of version %d", ErrVersion, k.V)
	}
	if k.AccessKeyID == "" || k.SecretAccessKey == "" {
		return UserKey{}, fmt.Errorf("%w: access key is incomplete", ErrCorrupt)
	}
	key := UserKey{AccessKeyID: k.AccessKeyID, SecretAccessKey: NewSecret(k.SecretAccessKey), Created: k.Created, MFASerial: k.MFASerial}
	if k.MFASeed != "" {
		key.MFASeed = NewSecret(k.MFASeed)
	}
	return key, nil
}

// PutUserKey keeps k for profile in store.
func PutUserKey(ctx context.Context, store Store, profile string, k UserKey) error {
	value, err := MarshalUserKey(k)
	if err == nil {
		err = store.Set(ctx, KeyName(profile), value)
	}
	if err != nil {
		return fmt.Errorf("access key of profile %q: %w", profile, err)
	}
	return nil
}

// GetUserKey returns the access key of profile from store.
func GetUserKey(ctx context.Context, store Store, profile string) (UserKey, error) {
	value, err := store.Get(ctx, KeyName(profile))
	if err != nil {
		return UserKey{}, fmt.Errorf("access key of profile %q: %w", profile, err)
	}
	k, err := UnmarshalUserKey(value)
	if err != nil {
		return UserKey{}, fmt.Errorf("access key of profile %q: %w", profile, err)
	}
	return k, nil
}
