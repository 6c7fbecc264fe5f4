package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/shellvault/vault/keystore"
)

// trust says which files of folders may switch a shell, and which a person has
// turned down. It is kept in the state folder, and holds no secret.
type trust struct {
	V     int                     `json:"v"`
	Files map[string]trustedEntry `json:"files"` // by path, quoted as in Go: paths are bytes
}

type trustedEntry struct {
	Sum     string `json:"sha256"` // of path and content: another content is another file
	Allowed bool   `json:"allowed"`
}

// What is known of a file.
type verdict int

const (
	unknownFile verdict = iota // nobody has said anything of it, as it is now
	allowedFile
	deniedFile
)

func (app *App) trustFile() string {
	return filepath.Join(app.folder("XDG_STATE_HOME", ".local/state"), "directories.json")
}

// verdict returns what a person has said of a file as it is now.
func (app *App) verdict(d directory) (verdict, error) {
	data, err := keystore.ReadFilePrivate(app.trustFile())
	if errors.Is(err, fs.ErrNotExist) {
		return unknownFile, nil
	}
	if err != nil {
		return unknownFile, err
	}
	t, err := decodeTrust(data)
	if err != nil {
		return unknownFile, fmt.Errorf("%s: %w", tilde(app.trustFile(), app.Home), err)
	}
	e, ok := t.Files[strconv.Quote(d.Real)]
	switch {
	case !ok || e.Sum != d.sum():
		return unknownFile, nil
	case e.Allowed:
		return allowedFile, nil
	}
	return deniedFile, nil
}

var errNotTrust = errors.New("it is not a list of allowed files of this version; what was allowed has to be allowed again after it is moved away")

func decodeTrust(data []byte) (trust, error) {
	t := trust{V: 1, Files: map[string]trustedEntry{}}
	if len(data) == 0 {
		return t, nil
	}
	if json.Unmarshal(data, &t) != nil || t.V != 1 || t.Files == nil {
		return trust{}, errNotTrust
	}
	return t, nil
}

// judge keeps what a person says of a file as it is now.
func (app *App) judge(ctx context.Context, d directory, allowed bool) error {
	err := keystore.UpdateFile(ctx, app.trustFile(), func(old []byte) ([]byte, error) {
		t, err := decodeTrust(old)
		if err != nil {
			return nil, err
		}
		t.Files[strconv.Quote(d.Real)] = trustedEntry{d.sum(), allowed}
		return json.Marshal(t)
	})
	if errors.Is(err, errNotTrust) {
		return fmt.Errorf("%s: %w", tilde(app.trustFile(), app.Home), err)
	}
	return err
}
