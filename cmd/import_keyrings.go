package cmd

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/foreign"
	"github.com/shellvault/vault/keystore/secretservice"
	"github.com/shellvault/vault/shell"
)

// findService looks into a collection of the Secret Service. Where there is no
// such service, or no such collection, there is nothing.
func (im *importer) findService(ctx context.Context, k keyring) {
	address := secretservice.BusAddress(im.Env["DBUS_SESSION_BUS_ADDRESS"], im.Env["XDG_RUNTIME_DIR"])
	if address == "" || im.Desktop {
		return
	}
	settings, err := im.ownSettings()
	if err != nil {
		im.fail(err)
		return
	}
	s := &secretservice.Store{Address: address, Plain: settings.SecretService == "plain", LockPath: filepath.Join(im.locks(), "keystore.lock")}
	if ask := im.mayAsk(); !im.dryRun && ask != AskNobody {
		s.Ask, s.Passphrase = secretservice.AskTerminal, im.keyringPassphrase
		if ask == AskAnyhow {
			s.Ask = secretservice.AskAnyhow
		}
	}
	defer s.Close()
	where := fmt.Sprintf("%s (Secret Service, %s)", k.program, k.collection)
	items, err := s.Others(ctx, k.collection)
	switch {
	case errors.Is(err, secretservice.ErrNoBus), errors.Is(err, secretservice.ErrNoService):
		return
	case errors.Is(err, keystore.ErrLocked) && im.dryRun:
		im.found = true
		im.note(where + " is locked: not opened")
		return
	case err != nil:
		im.fail(fmt.Errorf("%s: %w", where, err))
		return
	}
	for _, item := range items {
		im.found = true
		if !foreign.IsProfile(item.Name) || !im.wants(item.Name) {
			continue
		}
		value, err := s.Other(ctx, item)
		var key keystore.UserKey
		if err == nil {
			key, err = foreign.ParseWrapped(item.Name, value)
		}
		im.got(where, item.Name, key, err)
	}
}

// got takes a key that was read, or what went wrong with it.
func (im *importer) got(where, profile string, key keystore.UserKey, err error) {
	switch {
	case errors.Is(err, foreign.ErrTemporary), errors.Is(err, context.Canceled):
	case err != nil:
		im.fail(fmt.Errorf("%s: %q: %w", where, profile, err))
	default:
		im.add(profile, where, key)
	}
}

// findKeychain looks into a file of the Keychain by macOS's own program: it is
// the way that leads to others than the login keychain. macOS asks for each
// key, as aws-vault trusts no program with them.
func (im *importer) findKeychain(ctx context.Context, k keyring) {
	where := fmt.Sprintf("%s (Keychain, %s)", k.program, strings.TrimSuffix(filepath.Base(k.keychain), ".keychain-db"))
	file := shell.Bash.Quote(k.keychain)
	dump, err := im.Command(ctx, "security dump-keychain "+file, im.keystoreEnviron())
	if err != nil {
		im.fail(fmt.Errorf("%s: %w", where, ended("security", err)))
		return
	}
	profiles := foreign.ParseDump(string(dump), k.service)
	if len(profiles) > 0 && !im.dryRun {
		im.note(where + ": macOS asks for each key")
	}
	for _, profile := range profiles {
		if !foreign.IsProfile(profile) || !im.wants(profile) || strings.ContainsRune(profile, 0) {
			continue
		}
		if im.dryRun {
			im.add(profile, where, keystore.UserKey{})
			continue
		}
		line := "security find-generic-password -s " + shell.Bash.Quote(k.service) + " -a " + shell.Bash.Quote(profile) + " -w " + file
		out, err := im.Command(ctx, line, im.keystoreEnviron())
		var key keystore.UserKey
		if err == nil {
			key, err = foreign.ParsePassword(out)
		}
		clear(out)
		im.got(where, profile, key, ended("security", err))
	}
}

// findPass looks into a password store. At its root, where aws-vault puts keys
// unless a prefix is set, only entries with the name of a profile are opened:
// the others are the user's passwords.
func (im *importer) findPass(ctx context.Context, k keyring) {
	p := *k.pass
	if p.command == "" {
		p.command = "pass"
	}
	if p.store == "" {
		p.store = im.Env["PASSWORD_STORE_DIR"]
	}
	p.store = im.path(p.store, ".password-store")
	where := fmt.Sprintf("%s (pass, %s)", k.program, tilde(filepath.Join(p.store, p.prefix), im.Home))
	names, err := foreign.PassNames(p.store, p.prefix)
	if err != nil {
		im.fail(fmt.Errorf("%s: %w", where, err))
	}
	environ := append(im.keystoreEnviron(), "PASSWORD_STORE_DIR="+p.store)
	for _, name := range names {
		entry := path.Join(p.prefix, name)
		if !im.wants(name) || p.prefix == "" && !im.files.Has(name) || strings.HasPrefix(entry, "-") {
			continue
		}
		if im.dryRun {
			im.add(name, where, keystore.UserKey{})
			continue
		}
		out, err := im.Command(ctx, word(p.command)+" show "+shell.Bash.Quote(entry), environ)
		var key keystore.UserKey
		if err == nil {
			key, err = foreign.ParseWrapped(name, keystore.NewSecret(string(out)))
		}
		clear(out)
		if p.prefix == "" && errors.Is(err, foreign.ErrForm) {
			continue // a password that has the name of a profile
		}
		im.got(where, name, key, ended(p.command, err))
	}
}

// ended says how a program ended; what it had to say it has said itself.
func ended(program string, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%s ended with %s", program, exit)
	}
	return err
}
