package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/foreign"
)

// find looks at all sources, or the one named. What cannot be read is
// reported, and does not hide the rest.
func (im *importer) find(ctx context.Context) error {
	all := im.source == ""
	if im.source == "csv" {
		return im.findCSV()
	}
	if all || im.source == "aws-vault" {
		im.findKeyring(ctx, im.awsVault())
	}
	if all || im.source == "granted" {
		for _, k := range im.granted() {
			im.findKeyring(ctx, k)
		}
	}
	if all || im.source == "credentials" {
		im.findClear()
	}
	if all && slices.ContainsFunc(im.ssoCLIFiles(), exists) {
		im.note("aws-sso-cli has accounts and roles: see " + im.name() + " import aws-sso-cli --dry-run")
	}
	for _, name := range im.only {
		if !slices.ContainsFunc(im.keys, func(k foundKey) bool { return k.profile == name }) {
			im.fail(fmt.Errorf("profile %q: no other program has a key of it that can be read", name))
		}
	}
	if ctx.Err() != nil {
		return context.Canceled
	}
	return nil
}

// A keyring is where a program that uses 99designs/keyring may keep keys.
type keyring struct {
	program    string
	folder     string            // of sealed files
	given      []keystore.Secret // passphrases to try first
	variable   string            // that gives one
	collection string            // of the Secret Service
	keychain   string            // file of macOS
	service    string            // in the Keychain
	pass       *passStore        // nil: is not looked at
}

type passStore struct{ command, store, prefix string }

// awsVault says where aws-vault keeps keys (its docs, USAGE.md, "Environment
// variables").
func (im *importer) awsVault() keyring {
	k := keyring{
		program: "aws-vault", variable: "AWS_VAULT_FILE_PASSPHRASE", service: "aws-vault",
		folder:     im.path(im.Env["AWS_VAULT_FILE_DIR"], ".awsvault/keys"),
		collection: im.Env["AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME"],
	}
	if k.collection == "" {
		k.collection = "awsvault"
	}
	name := im.Env["AWS_VAULT_KEYCHAIN_NAME"]
	if name == "" {
		name = "aws-vault"
	}
	k.keychain = im.keychainFile(name)
	if given := im.Env["AWS_VAULT_FILE_PASSPHRASE"]; given != "" {
		k.given = append(k.given, keystore.NewSecret(given))
	}
	p := passStore{im.Env["AWS_VAULT_PASS_CMD"], im.Env["AWS_VAULT_PASS_PASSWORD_STORE_DIR"], im.Env["AWS_VAULT_PASS_PREFIX"]}
	if p != (passStore{}) || im.Env["AWS_VAULT_BACKEND"] == "pass" {
		k.pass = &p
	}
	return k
}

// granted says where granted keeps the keys of IAM users: in a keyring of that
// name.
func (im *importer) granted() []keyring {
	const name = "granted-aws-iam-credentials"
	var list []keyring
	for _, dir := range []string{filepath.Join(im.Home, ".granted"), filepath.Join(im.path(im.Env["XDG_CONFIG_HOME"], ".config"), "granted")} {
		own, err := foreign.ReadGranted(filepath.Join(dir, "config"))
		if err != nil {
			im.fail(err)
		}
		k := keyring{
			program: "granted", variable: "CF_KEYRING_FILE_PASSWORD", service: name, collection: name,
			folder: filepath.Join(dir, "secure-storage-aws-iam-credentials"), keychain: im.keychainFile("login"),
			// It takes an empty one where the variable is not set.
			given: []keystore.Secret{keystore.NewSecret(im.Env["CF_KEYRING_FILE_PASSWORD"])},
		}
		if own.FileDir != "" {
			k.folder = im.path(own.FileDir, "")
		}
		if own.Collection != "" {
			k.collection = own.Collection
		}
		if own.Keychain != "" {
			k.keychain = im.keychainFile(own.Keychain)
		}
		if own.Backend == "pass" {
			k.pass = &passStore{store: own.PassDir, prefix: name}
		}
		if !slices.ContainsFunc(list, func(has keyring) bool { return has.collection == k.collection }) {
			list = append(list, k)
			continue
		}
		k.collection, k.keychain = "", "" // once
		list = append(list, k)
	}
	return list
}

// path returns an absolute path that a setting names, or the one in home.
func (im *importer) path(set, home string) string {
	if rest, ok := strings.CutPrefix(set, "~/"); ok {
		return filepath.Join(im.Home, rest)
	}
	if filepath.IsAbs(set) {
		return set
	}
	return filepath.Join(im.Home, home)
}

func (im *importer) keychainFile(name string) string {
	return filepath.Join(im.Home, "Library", "Keychains", name+".keychain-db")
}

// findKeyring looks wherever the keyring of a program may be.
func (im *importer) findKeyring(ctx context.Context, k keyring) {
	im.findSealed(ctx, k)
	if k.collection != "" {
		im.findService(ctx, k)
	}
	if k.keychain != "" && exists(k.keychain) {
		im.findKeychain(ctx, k)
	}
	if k.pass != nil {
		im.findPass(ctx, k)
	}
}

// findSealed opens the sealed files of a keyring: with the passphrases that
// are given, then with what a person types. Each file may have its own.
func (im *importer) findSealed(ctx context.Context, k keyring) {
	where := fmt.Sprintf("%s (%s)", k.program, tilde(k.folder, im.Home))
	entries, errs := foreign.ReadFolder(k.folder, im.wants)
	for _, err := range errs {
		im.fail(err)
	}
	if len(entries) == 0 {
		return
	}
	im.found = true
	slices.SortFunc(entries, func(a, b foreign.Entry) int { return strings.Compare(a.Name, b.Name) })
	for _, passphrase := range k.given {
		entries = im.open1(ctx, where, entries, passphrase)
	}
	if im.dryRun {
		for _, e := range entries {
			im.add(e.Name, where, keystore.UserKey{})
		}
		return
	}
	for wrong := 0; len(entries) > 0 && ctx.Err() == nil; {
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name
		}
		if wrong == 0 {
			im.note(fmt.Sprintf("%s: sealed: %s", where, profileList(names)))
		}
		typed, err := im.Terminal.Ask(ctx, fmt.Sprintf("Passphrase of %s in %s: ", k.program, tilde(k.folder, im.Home)), true)
		if err != nil {
			im.fail(&hintError{fmt.Errorf("%s: %s not opened: %w", where, count(len(entries), "key is", "keys are"), err), "give the passphrase in " + k.variable})
			return
		}
		left := im.open1(ctx, where, entries, keystore.NewSecret(typed))
		if wrong++; len(left) < len(entries) {
			wrong = 0
		} else if wrong == attempts {
			im.fail(fmt.Errorf("%s: %s not opened: %w", where, profileList(names), keystore.ErrPassphrase))
			return
		} else {
			im.note("wrong passphrase")
		}
		entries = left
	}
}

// open1 opens the files that this passphrase opens, and returns the others.
func (im *importer) open1(ctx context.Context, where string, entries []foreign.Entry, passphrase keystore.Secret) (left []foreign.Entry) {
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil
		}
		key, err := e.Open(passphrase)
		switch {
		case errors.Is(err, keystore.ErrPassphrase):
			left = append(left, e)
		case errors.Is(err, foreign.ErrTemporary):
		case err != nil:
			im.fail(fmt.Errorf("%s: %q: %w", where, e.Name, err))
		default:
			im.add(e.Name, where, key)
		}
	}
	return left
}

// findClear looks for keys in the config files.
func (im *importer) findClear() {
	var leftovers []string
	for p := range im.files.Profiles() {
		if strings.HasPrefix(p.Name, "autoawsume-") || p.Get("autoawsume") == "true" {
			leftovers = append(leftovers, p.Name)
			continue
		}
		if !im.wants(p.Name) {
			continue
		}
		keys, ok, err := p.StaticKeys()
		if err != nil {
			im.fail(err)
		}
		if !ok || keys.Token.Text != "" || err != nil {
			continue
		}
		where := fmt.Sprintf("%s:%d", tilde(keys.Secret.File, im.Home), keys.Secret.Line)
		im.add(p.Name, where, keystore.UserKey{AccessKeyID: keys.ID.Text, SecretAccessKey: keystore.NewSecret(keys.Secret.Text)})
	}
	unread := map[string]int{}
	for _, o := range im.files.Oddities() {
		if o.Ignored {
			unread[o.File]++
		}
	}
	for _, file := range sortedKeys(unread) {
		im.note(fmt.Sprintf("%s: not looked at, because the SDKs do not read it: %s; see: %s doctor", tilde(file, im.Home), count(unread[file], "section"), im.name()))
	}
	if len(leftovers) > 0 {
		im.note(fmt.Sprintf("%s: what awsume left behind, and may be deleted: %s", tilde(im.files.Paths.Credentials, im.Home), profileList(leftovers)))
	}
}

// findCSV reads a file of the AWS console.
func (im *importer) findCSV() error {
	keys, err := foreign.ReadCSV(im.file)
	if err != nil {
		return err
	}
	switch {
	case len(im.only) == 1 && len(keys) == 1:
		keys[0].User = im.only[0]
	case len(im.only) > 0 && !slices.ContainsFunc(keys, func(k foreign.CSVKey) bool { return im.wants(k.User) }):
		return usageErrorf("import csv: %q has keys of several users, and none of them is %s", im.file, strings.Join(quoted(im.only), " or "))
	}
	for _, k := range keys {
		if k.User == "" {
			return &usageError{text: fmt.Sprintf("import csv: %q does not say whose key it is", im.file), hint: "name the profile that gets it: --profile PROFILE"}
		}
		if im.wants(k.User) {
			im.add(k.User, tilde(im.file, im.Home), k.Key)
		}
	}
	return nil
}

// A clearKey is a key in clear that the keystore has.
type clearKey struct {
	path        string
	kind        config.FileKind
	profile, id string
}

// inClear returns the keys in clear of the profiles that were asked for and
// that are stored, or will be, as far as the index tells.
func (im *importer) inClear() []clearKey {
	if im.source != "" && im.source != "credentials" {
		return nil
	}
	var list []clearKey
	files := im.clearFiles()
	for _, name := range im.files.Names() {
		if !im.wants(name) {
			continue
		}
		for _, f := range files {
			if keys, ok := f.keys(name); ok && im.willHave(name, keys.ID.Text) {
				list = append(list, clearKey{f.path, f.kind, name, keys.ID.Text})
			}
		}
	}
	return list
}

// willHave reports whether the keystore has this key, or is to get it.
func (im *importer) willHave(profile, id string) bool {
	for _, k := range im.keys {
		if k.profile == profile && k.key.AccessKeyID == id {
			return k.state == keyNew || k.state == keySame || k.state == keyReplaces
		}
	}
	return im.index.Keys[profile].AccessKeyID == id
}
