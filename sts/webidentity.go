package sts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/shellvault/vault/keystore"
)

// mostToken is the length of the longest token that AWS takes (AWS STS API
// Reference, AssumeRoleWithWebIdentity).
const mostToken = 20000

// ReadToken reads the token of a web identity from a file. It is read each
// time: who issues tokens replaces them.
func ReadToken(path string) (keystore.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		var file *fs.PathError
		if errors.As(err, &file) {
			err = file.Err
		}
		return keystore.Secret{}, fmt.Errorf("%q: %w", path, err)
	}
	defer f.Close()
	// One byte more than a token and a line break may have.
	text, err := io.ReadAll(io.LimitReader(f, mostToken+3))
	defer clear(text)
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("%q: %w", path, errors.Unwrap(err))
	}
	token, err := ParseToken(text)
	if err != nil {
		return keystore.Secret{}, fmt.Errorf("%q %w", path, err)
	}
	return token, nil
}

// ParseToken returns the token of a web identity from what a file holds or a
// program prints. The error does not repeat it, and begins with a verb.
func ParseToken(text []byte) (keystore.Secret, error) {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return keystore.Secret{}, errors.New("holds no token")
	case len(text) > mostToken:
		return keystore.Secret{}, fmt.Errorf("holds more than the %d characters of a token", mostToken)
	case bytes.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return keystore.Secret{}, errors.New("holds something that is no token: it has a blank or a line break in it")
	}
	return keystore.NewSecret(string(text)), nil
}
