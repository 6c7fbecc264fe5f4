package config

import (
	"errors"
	"io"
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
	data, err := readBounded(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", unreadable(path, err)
	}
	return unsafe.String(unsafe.SliceData(data), len(data)), nil // nobody else has data
}

// mostBytes bounds what is not a regular file: one that is named by mistake may
// be a device without an end.
const mostBytes = 64 << 20

var errTooLarge = errors.New("larger than 64 MiB")

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return os.ReadFile(path) // in one piece
	}
	data, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err == nil && len(data) > mostBytes {
		err = errTooLarge
	}
	return data, err
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
