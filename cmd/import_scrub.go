package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
)

// A clearFile is one of the two config files, as it is alone.
type clearFile struct {
	path string
	kind config.FileKind
	all  map[string]config.StaticKeys // long-lived, by profile
}

func (f clearFile) keys(profile string) (config.StaticKeys, bool) {
	k, ok := f.all[profile]
	return k, ok
}

// clearFiles returns the config files with the keys in them, as they are now.
func (im *importer) clearFiles() []clearFile {
	var list []clearFile
	for _, f := range []clearFile{
		{path: im.files.Paths.Credentials, kind: config.CredentialsFile},
		{path: im.files.Paths.Config, kind: config.ConfigFile},
	} {
		files, err := config.Load(f.paths())
		if err != nil {
			continue // read before, as one of two: it is told there
		}
		f.read(files)
		list = append(list, f)
	}
	return list
}

// paths names the one file alone.
func (f clearFile) paths() config.Paths {
	if f.kind == config.CredentialsFile {
		return config.Paths{Credentials: f.path}
	}
	return config.Paths{Config: f.path}
}

func (f *clearFile) read(files *config.Files) {
	f.all = map[string]config.StaticKeys{}
	for p := range files.Profiles() {
		if k, ok, err := p.StaticKeys(); err == nil && ok && k.Token.Text == "" {
			f.all[p.Name] = k
		}
	}
}

// scrubClear removes keys in clear from the config files: those that the
// keystore has, read back and compared right before. A sealed backup of each
// file is written first.
func (im *importer) scrubClear(ctx context.Context) error {
	byFile := map[string][]clearKey{}
	kinds := map[string]config.FileKind{}
	for _, k := range im.inClear() {
		byFile[k.path] = append(byFile[k.path], k)
		kinds[k.path] = k.kind
	}
	for _, path := range sortedKeys(byFile) {
		kept := map[string]keystore.UserKey{}
		for _, k := range byFile[path] {
			store, err := im.holding(k.profile)
			if err == nil {
				kept[k.profile], err = keystore.GetUserKey(ctx, store, k.profile)
			}
			if err != nil {
				im.fail(fmt.Errorf("%s: the key of profile %q stays: %w", tilde(path, im.Home), k.profile, err))
				delete(kept, k.profile)
			}
		}
		if err := im.scrubFile(ctx, path, kinds[path], kept); err != nil {
			return err
		}
	}
	return nil
}

// scrubFile removes the keys from one file that are equal to those kept.
func (im *importer) scrubFile(ctx context.Context, path string, kind config.FileKind, kept map[string]keystore.UserKey) error {
	var backup string
	var removed []string
	var left []string           // profiles whose secret stands elsewhere in the file
	stays := map[string]error{} // why
	err := config.EditFile(path, kind, func(e *config.Editor) error {
		before := e.Bytes()
		f := clearFile{path: path, kind: kind}
		files, err := parseOne(f.paths(), before)
		if err != nil {
			return err
		}
		f.read(files)
		removed, left = nil, nil
		clear(stays)
		for _, profile := range sortedKeys(kept) {
			have, ok := f.keys(profile)
			if !ok {
				continue // somebody else was here
			}
			if key := kept[profile]; have.ID.Text != key.AccessKeyID || have.Secret.Text != key.SecretAccessKey.Reveal() {
				stays[profile] = errors.New("it is not the one in the keystore")
				continue
			}
			if stays[profile], err = removeKey(e, profile); err != nil {
				return err
			}
			if stays[profile] == nil {
				removed = append(removed, profile)
			}
		}
		if len(removed) == 0 {
			return nil
		}
		for _, profile := range removed {
			if strings.Contains(string(e.Bytes()), kept[profile].SecretAccessKey.Reveal()) {
				left = append(left, profile)
			}
		}
		backup, err = im.backUp(ctx, path, before)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: nothing was removed: %w", tilde(path, im.Home), err)
	}
	for _, profile := range sortedKeys(stays) {
		if why := stays[profile]; why != nil {
			im.fail(fmt.Errorf("%s: the key of profile %q stays: %w", tilde(path, im.Home), profile, why))
		}
	}
	if len(removed) > 0 {
		im.note(fmt.Sprintf("removed %s from %s: %s", count(len(removed), "key"), tilde(path, im.Home), strings.Join(removed, ", ")))
		im.note(fmt.Sprintf("the file as it was: %s import --restore %s", im.name(), word(backup)))
		im.note(fmt.Sprintf("programs that read it by themselves find no key there now: %s setup credential-process --all has them ask vault", im.name()))
	}
	if len(left) > 0 {
		im.note(fmt.Sprintf("%s still holds the secret of %s in another place, such as a comment", tilde(path, im.Home), strings.Join(left, ", ")))
	}
	return nil
}

// removeKey removes the key of a profile, or says why it has to stay: of two
// that a file has for the same profile the keystore has one.
func removeKey(e *config.Editor, profile string) (why, err error) {
	before := e.Bytes()
	err = errors.Join(e.RemoveValue(profile, "aws_access_key_id"), e.RemoveValue(profile, "aws_secret_access_key"))
	if err != nil {
		return nil, err
	}
	if newline := []byte("\n"); bytes.Count(before, newline)-bytes.Count(e.Bytes(), newline) > 2 {
		return errors.New("the file has it more than once: remove it by hand"), e.SetBytes(before)
	}
	return nil, nil
}

func parseOne(p config.Paths, text []byte) (*config.Files, error) {
	if p.Config != "" {
		return config.Parse(p, text, nil)
	}
	return config.Parse(p, nil, text)
}

// backups is the folder of sealed backups, beside the keys.
func (app *App) backups() string { return filepath.Join(filepath.Dir(app.keysFile()), "backups") }

func (app *App) backupKey(ctx context.Context) ([]byte, error) {
	store, err := app.sealingStore()
	if err != nil {
		return nil, err
	}
	return keystore.BackupKey(ctx, store, filepath.Join(app.locks(), "backup-key.lock"))
}

// backUp seals a file as it is, and returns where. It opens what it wrote, to
// be sure of it.
func (app *App) backUp(ctx context.Context, path string, text []byte) (string, error) {
	key, err := app.backupKey(ctx)
	if err != nil {
		return "", err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return "", err
	}
	b := keystore.Backup{Path: path, Made: app.Now(), Data: keystore.NewSecret(string(text))}
	sealed, err := b.Seal(key)
	if err != nil {
		return "", err
	}
	file := ""
	for n := 0; file == "" || exists(file); n++ {
		file = filepath.Join(app.backups(), filepath.Base(path)+"-"+b.Made.UTC().Format("20060102T150405Z"))
		if n > 0 {
			file += fmt.Sprintf("-%d", n)
		}
	}
	if err := keystore.WriteFileAtomic(file, sealed, 0o600); err != nil {
		return "", err
	}
	back, err := app.readBackup(ctx, file)
	if err == nil && back.Data.Reveal() != string(text) {
		err = keystore.ErrCorrupt
	}
	if err != nil {
		return "", fmt.Errorf("backup %s: %w", tilde(file, app.Home), err)
	}
	return file, nil
}

func (app *App) readBackup(ctx context.Context, file string) (keystore.Backup, error) {
	sealed, err := keystore.ReadFilePrivate(file)
	if err != nil {
		return keystore.Backup{}, err
	}
	return keystore.OpenBackup(sealed, func() ([]byte, error) { return app.backupKey(ctx) })
}

// restoreBackup brings back a file that --scrub has removed keys from. The
// file as it is now is backed up first.
func (app *App) restoreBackup(ctx context.Context, o importOptions) error {
	b, err := app.readBackup(ctx, o.restore)
	if err != nil {
		return fmt.Errorf("backup %q: %w", o.restore, err)
	}
	kind := config.CredentialsFile
	if paths := config.Locate(app.getenv, app.Home); b.Path == paths.Config {
		kind = config.ConfigFile
	} else if b.Path != paths.Credentials {
		return usageErrorf("backup %q is of %s, which is neither your credentials file nor your config file", o.restore, b.Path)
	}
	where := tilde(b.Path, app.Home)
	app.note(fmt.Sprintf("%s gets the text that it had on %s, with the keys in clear", where, b.Made.Local().Format("2006-01-02 15:04")))
	if o.dryRun {
		app.note("nothing was changed: this was a dry run")
		return nil
	}
	if err := app.consent(ctx, "replace "+where, o.yes); err != nil {
		return err
	}
	backup := ""
	err = config.EditFile(b.Path, kind, func(e *config.Editor) error {
		if before := e.Bytes(); len(before) > 0 && string(before) != b.Data.Reveal() {
			var err error
			if backup, err = app.backUp(ctx, b.Path, before); err != nil {
				return err
			}
		}
		return e.SetBytes([]byte(b.Data.Reveal()))
	})
	if err != nil {
		return err
	}
	app.note("restored " + where)
	if backup != "" {
		app.note(fmt.Sprintf("the file as it was: %s import --restore %s", app.name(), word(backup)))
	}
	return nil
}
