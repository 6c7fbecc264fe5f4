package config

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"unsafe"
)

// Load reads both files. A missing file is like an empty one and is not
// created; one that cannot be read, or has a malformed line anywhere, is a
// *ParseError.
func Load(p Paths) (*Files, error) {
	config, err := readFile(p.Config)
	if err != nil {
		return nil, err
	}
	credentials, err := readFile(p.Credentials)
	if err != nil {
		return nil, err
	}
	return parseBoth(p, config, credentials)
}

// readFile returns what the file holds, nothing where there is none.
func readFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", unreadable(path, err)
	}
	return unsafe.String(unsafe.SliceData(data), len(data)), nil // nobody else has data
}

func unreadable(path string, err error) error {
	why := err
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		why = pathErr.Err
	}
	return &ParseError{File: path, Why: why.Error(), Err: err}
}

// Parse is Load for files that are in memory already; p only names them.
func Parse(p Paths, configText, credentialsText []byte) (*Files, error) {
	return parseBoth(p, string(configText), string(credentialsText))
}

func parseBoth(p Paths, configText, credentialsText string) (*Files, error) {
	config, err := parse(p.Config, ConfigFile, configText)
	if err != nil {
		return nil, err
	}
	credentials, err := parse(p.Credentials, CredentialsFile, credentialsText)
	if err != nil {
		return nil, err
	}
	return newFiles(p, config, credentials), nil
}

func newFiles(p Paths, config, credentials *source) *Files {
	f := &Files{Paths: p, config: config, credentials: credentials}
	f.names = sync.OnceValue(f.collectNames)
	return f
}
