package cmd

import (
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/keystore"
)

// folder returns the path of vault's own folder of a kind (XDG Base Directory
// Specification: a relative path counts as none).
func (app *App) folder(variable, home string) string {
	if base := app.Env[variable]; filepath.IsAbs(base) {
		return filepath.Join(base, "vault")
	}
	return filepath.Join(app.Home, home, "vault")
}

// keysFile is where the sealed keys lie; the index stands beside it.
func (app *App) keysFile() string {
	if dir := app.Env["AWS_VAULT_FILE_DIR"]; dir != "" {
		if rest, ok := strings.CutPrefix(dir, "~/"); ok {
			dir = filepath.Join(app.Home, rest)
		}
		// In a folder of our own: aws-vault's files have another format.
		return filepath.Join(dir, "vault", "keys")
	}
	return filepath.Join(app.folder("XDG_DATA_HOME", ".local/share"), "keys")
}

// readIndex returns what the index says.
func (app *App) readIndex() (keystore.Index, error) {
	if err := app.placed(); err != nil {
		return keystore.Index{}, err
	}
	return keystore.ReadIndex(app.indexFile())
}

// placed reports where the keystore would depend on the working folder.
func (app *App) placed() error {
	if filepath.IsAbs(app.keysFile()) {
		return nil
	}
	return usageErrorf("AWS_VAULT_FILE_DIR=%q is relative: there would be a keystore in every folder", app.Env["AWS_VAULT_FILE_DIR"])
}

func (app *App) indexFile() string {
	return filepath.Join(filepath.Dir(app.keysFile()), "index.json")
}

func (app *App) sessionsFile() string {
	return filepath.Join(app.folder("XDG_CACHE_HOME", ".cache"), "sessions")
}

func (app *App) settingsFile() string {
	return filepath.Join(app.folder("XDG_CONFIG_HOME", ".config"), "config.toml")
}

// locks is the folder of locks that are held around calls.
func (app *App) locks() string {
	if filepath.IsAbs(app.Env["XDG_RUNTIME_DIR"]) {
		return app.folder("XDG_RUNTIME_DIR", "")
	}
	return app.folder("XDG_STATE_HOME", ".local/state")
}
