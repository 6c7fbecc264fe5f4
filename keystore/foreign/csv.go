package foreign

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/shellvault/vault/keystore"
)

// A CSVKey is an access key in a file of the AWS console.
type CSVKey struct {
	User string // "" where the file does not name one
	Key  keystore.UserKey
}

// ReadCSV reads the file that the AWS console gives with a new access key:
// rootkey.csv, NAME_accessKeys.csv, credentials.csv. Their headers were spelt
// in several ways over the years; the oldest has NAME=VALUE lines instead. The
// error says what is wrong with path and quotes nothing of it.
func ReadCSV(path string) ([]CSVKey, error) {
	data, err := readFile(path)
	if errors.Is(err, errFolder) {
		return nil, fmt.Errorf("%q: a folder", path)
	}
	if err != nil {
		return nil, err
	}
	defer clear(data)
	keys, err := parseCSV(data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return keys, nil
}

var errNoCSV = errors.New("no access key as the AWS console writes them")

func parseCSV(data []byte) ([]CSVKey, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.HasPrefix(data, []byte("AWSAccessKeyId=")) {
		return parseAssignments(data)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err != nil {
		return nil, errNoCSV
	}
	user, id, secret := -1, -1, -1
	for i, name := range header {
		switch letters(name) {
		case "username":
			user = i
		case "accesskeyid", "awsaccesskeyid":
			id = i
		case "secretaccesskey", "secretkey", "awssecretkey", "awssecretaccesskey":
			secret = i
		}
	}
	if id < 0 || secret < 0 {
		return nil, errNoCSV
	}
	var keys []CSVKey
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(row) <= max(id, secret) {
			return nil, errNoCSV
		}
		k := CSVKey{Key: userKey(row[id], row[secret])}
		if user >= 0 && user < len(row) {
			k.User = strings.TrimSpace(row[user])
		}
		if k.Key.AccessKeyID == "" || k.Key.SecretAccessKey.IsZero() {
			continue // a user without a key, in the list of several
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errNoCSV
	}
	return keys, nil
}

// parseAssignments reads the rootkey.csv of old: AWSAccessKeyId=… and
// AWSSecretKey=…, a line each.
func parseAssignments(data []byte) ([]CSVKey, error) {
	var id, secret string
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "AWSAccessKeyId":
			id = value
		case "AWSSecretKey":
			secret = value
		}
	}
	if id == "" || secret == "" {
		return nil, errNoCSV
	}
	return []CSVKey{{Key: userKey(id, secret)}}, nil
}

func userKey(id, secret string) keystore.UserKey {
	return keystore.UserKey{AccessKeyID: strings.TrimSpace(id), SecretAccessKey: keystore.NewSecret(strings.TrimSpace(secret))}
}

// letters returns the letters of a header, in lower case.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}
