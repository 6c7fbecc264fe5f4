// Package foreign reads the stores of other programs that keep AWS keys:
// aws-vault, granted and whatever else uses their keyring library, and the CSV
// files of the AWS console. It changes nothing there.
//
// What it reads was written by others: sizes and costs are bounded, and errors
// name a file or an entry and never what is in it.
package foreign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
)

// maxFile bounds what is read of one entry; keys have a few hundred bytes.
const maxFile = 1 << 20

// ErrTemporary is what an entry is that holds credentials with an end: they
// are not worth taking over.
var ErrTemporary = errors.New("temporary credentials")

// ErrForm is what an entry is that is not what such a program writes.
var ErrForm = errors.New("not a key")

var (
	sessionKey = regexp.MustCompile(`^([^,]+),([^,]+),([^,]*),([0-9]+)$`)

	// Those of earlier versions of aws-vault (its vault/sessionkeyring.go).
	oldSessionKeys = []*regexp.Regexp{
		regexp.MustCompile(`^session,([^,]+),([^,]*),([0-9]{2,})$`),
		regexp.MustCompile(`^session:([^ ]+):([^ ]*):([^:]+)$`),
		regexp.MustCompile(`^(.+?) session \((\d+)\)$`),
	}
)

// IsProfile reports whether the entry of that name in a keyring of aws-vault
// is the key of a profile: sessions and the tokens of Identity Center lie
// beside them.
func IsProfile(name string) bool {
	if name == "" || strings.HasPrefix(name, "oidc:") {
		return false
	}
	for _, old := range oldSessionKeys {
		if old.MatchString(name) {
			return false
		}
	}
	m := sessionKey.FindStringSubmatch(name)
	if m == nil {
		return true
	}
	// A profile may have commas in its name; then the fields are no base64.
	for _, field := range m[2:4] {
		if _, err := base64.RawURLEncoding.DecodeString(field); err != nil {
			return true
		}
	}
	_, err := strconv.ParseInt(m[4], 10, 64)
	return err != nil
}

// unwrap returns what the keyring library keeps under name from the JSON that
// it wraps it in (99designs/keyring, type Item).
func unwrap(name string, data []byte) ([]byte, error) {
	var item struct {
		Key  *string
		Data []byte
	}
	// What encoding/json says may quote the value: not passed on.
	if json.Unmarshal(data, &item) != nil || item.Key == nil || len(item.Data) == 0 {
		return nil, fmt.Errorf("%w: it is not an entry of a keyring", ErrForm)
	}
	if *item.Key != name {
		clear(item.Data)
		return nil, fmt.Errorf("%w: it is the entry %q under another name", ErrForm, *item.Key)
	}
	return item.Data, nil
}

// ParseWrapped returns the key in an entry of a keyring that wraps what it
// keeps: the sealed file, the Secret Service, pass.
func ParseWrapped(name string, value keystore.Secret) (keystore.UserKey, error) {
	data := []byte(value.Reveal())
	defer clear(data)
	return parseWrapped(name, data)
}

func parseWrapped(name string, data []byte) (keystore.UserKey, error) {
	payload, err := unwrap(name, data)
	if err != nil {
		return keystore.UserKey{}, err
	}
	defer clear(payload)
	return parseKey(payload)
}

// parseKey reads the JSON of aws.Credentials, or of the credentials.Value of
// the first SDK, which aws-vault wrote before version 6. Names are the same in
// both but for their case. ErrTemporary is a session.
func parseKey(data []byte) (keystore.UserKey, error) {
	var k struct {
		AccessKeyID, SecretAccessKey, SessionToken string
		CanExpire                                  bool
		Expires                                    time.Time
	}
	if json.Unmarshal(bytes.TrimSpace(data), &k) != nil || k.AccessKeyID == "" || k.SecretAccessKey == "" {
		return keystore.UserKey{}, fmt.Errorf("%w: no id and secret in it", ErrForm)
	}
	if k.CanExpire || k.SessionToken != "" {
		return keystore.UserKey{}, ErrTemporary
	}
	return keystore.UserKey{AccessKeyID: k.AccessKeyID, SecretAccessKey: keystore.NewSecret(k.SecretAccessKey)}, nil
}
