// Package envelope puts a secret and the name of its key into one line of
// printable text, for keystores of others: some lose newlines, zeros or an
// empty value, and some, asked for one key, give what is nearest to it.
package envelope

import (
	"encoding/json"
	"fmt"

	"github.com/shellvault/vault/keystore"
)

// version is the version of the line.
const version = 1

type line struct {
	Vault int    `json:"vault"`
	Key   string `json:"key"`
	Value []byte `json:"value"` // base64; nil is one that is missing
}

// An OtherKeyError reports an envelope that is whole, and of another key.
type OtherKeyError struct{ Key, Want string }

func (e *OtherKeyError) Error() string {
	return fmt.Sprintf("the value of %q was given for %q", e.Key, e.Want)
}

// Wrap returns value as a line, without its end. The caller clears it after
// use.
func Wrap(key string, value keystore.Secret) ([]byte, error) {
	data, err := json.Marshal(line{version, key, append([]byte{}, value.Reveal()...)})
	if err != nil {
		return nil, fmt.Errorf("value of key %q does not fit into JSON", key)
	}
	return data, nil
}

// Unwrap returns the value of key from a line that Wrap made. White space
// around it does not count. The error is keystore.ErrCorrupt,
// keystore.ErrVersion, or an *OtherKeyError.
func Unwrap(key string, data []byte) (keystore.Secret, error) {
	var l line
	// What encoding/json says may quote the value: not passed on.
	if json.Unmarshal(data, &l) != nil || l.Vault < version || l.Value == nil {
		return keystore.Secret{}, fmt.Errorf("%w: not what vault wrote", keystore.ErrCorrupt)
	}
	defer clear(l.Value)
	if l.Vault > version {
		return keystore.Secret{}, fmt.Errorf("%w: version %d", keystore.ErrVersion, l.Vault)
	}
	if l.Key != key {
		return keystore.Secret{}, &OtherKeyError{Key: l.Key, Want: key}
	}
	return keystore.NewSecret(string(l.Value)), nil
}
