package foreign

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/pelletier/go-toml/v2"
)

// Granted is what granted's config says of its keyring.
type Granted struct {
	Backend, FileDir, PassDir string
	Keychain                  string `toml:"KeychainName"`
	Collection                string `toml:"LibSecretCollectionName"`
}

// ReadGranted reads granted's config. A missing one says nothing.
func ReadGranted(path string) (Granted, error) {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFolder) {
		return Granted{}, nil
	}
	if err != nil {
		return Granted{}, err
	}
	var c struct{ Keyring Granted }
	if toml.Unmarshal(data, &c) != nil {
		return Granted{}, fmt.Errorf("%q: not TOML", path)
	}
	return c.Keyring, nil
}
