package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// keepSeed remembers the secret of an MFA device that lies with a key.
func (app *App) keepSeed(key keystore.UserKey) {
	if key.MFASeed.IsZero() {
		return
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	if app.seeds == nil {
		app.seeds = map[string]keystore.Secret{}
	}
	app.seeds[key.MFASerial] = key.MFASeed
}

func (app *App) seed(serial string) (keystore.Secret, bool) {
	app.mu.Lock()
	defer app.mu.Unlock()
	seed, ok := app.seeds[serial]
	return seed, ok
}

// addWithSeed stores the secret of a profile's MFA device beside its key, which
// it stores first if it is not there.
func (app *App) addWithSeed(ctx context.Context, profile string, opts addOptions) error {
	index, err := app.readIndex()
	if err != nil {
		return err
	}
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return err
	}
	serial := app.Env["AWS_MFA_SERIAL"]
	if p, err := files.Profile(profile); err == nil && serial == "" {
		serial = p.Get("mfa_serial")
	}
	if serial == "" {
		return &usageError{text: fmt.Sprintf("add --totp: profile %q names no MFA device", profile), hint: "set mfa_serial in its section of the config first"}
	}
	if _, ok := index.Keys[profile]; !ok || opts.overwrite {
		if opts.stdin {
			return usageErrorf("add --totp: store the key first; --stdin then gives the secret of the MFA device alone")
		}
		if err := app.add(ctx, profile, opts); err != nil {
			return err
		}
	} else if opts.env {
		return usageErrorf("add --totp: --env has no secret of an MFA device")
	}
	unlock, err := app.lockRotation(profile) // the key that is read now is written later
	if err != nil {
		return err
	}
	defer unlock()
	store, err := app.holding(profile)
	if err != nil {
		return err
	}
	key, err := keystore.GetUserKey(ctx, store, profile)
	if err != nil {
		return err
	}
	seed, err := app.readSeed(ctx, serial, opts)
	if err != nil {
		return err
	}
	if !opts.noVerify {
		if err := app.verifySeed(ctx, files, profile, key, serial, seed); err != nil {
			return &storeNothing{fmt.Errorf("the secret of the MFA device: %w", err)}
		}
	}
	key.MFASerial, key.MFASeed = serial, seed
	if err := keystore.PutUserKey(ctx, store, profile, key); err != nil {
		return err
	}
	if err := app.recordSeed(ctx, profile, serial); err != nil {
		return fmt.Errorf("the secret of the MFA device is stored, but the index does not say so: %w", err)
	}
	app.note(fmt.Sprintf("stored the secret of %s beside the key of profile %q", serial, profile))
	app.note("whoever opens this keystore now has both factors: it no longer takes a person to make a session")
	return nil
}

// recordSeed notes in the index that the secret of a device lies beside the key
// of a profile.
func (app *App) recordSeed(ctx context.Context, profile, serial string) error {
	return keystore.UpdateIndex(ctx, app.indexFile(), func(x *keystore.Index) error {
		if e, ok := x.Keys[profile]; ok {
			e.MFASerial = serial
			x.Keys[profile] = e
		}
		return nil
	})
}

func (app *App) readSeed(ctx context.Context, serial string, opts addOptions) (keystore.Secret, error) {
	if opts.stdin {
		line, err := firstLineOf(app.Stdin)
		if err != nil {
			return keystore.Secret{}, fmt.Errorf("standard input: %w", err)
		}
		seed, err := sts.ParseSeed(line)
		if err != nil {
			return keystore.Secret{}, &usageError{text: "add --totp: " + err.Error()}
		}
		return seed, nil
	}
	for try := 1; ; try++ {
		typed, err := app.Terminal.Ask(ctx, fmt.Sprintf("Secret of %s, or its otpauth URI (not shown): ", serial), true)
		if err != nil {
			return keystore.Secret{}, &hintError{err, "give it with --stdin"}
		}
		seed, err := sts.ParseSeed(typed)
		if err == nil {
			return seed, nil
		}
		if try == attempts {
			return keystore.Secret{}, &usageError{text: "add --totp: " + err.Error()}
		}
		app.report(err)
	}
}

// verifySeed has AWS take a code of the device.
func (app *App) verifySeed(ctx context.Context, files *config.Files, profile string, key keystore.UserKey, serial string, seed keystore.Secret) error {
	p, err := files.Profile(profile)
	if err != nil {
		return err
	}
	used := app.usedCodes(serial)
	code, err := used.next(ctx, func(context.Context) (string, error) { return sts.TOTP(seed, app.Now()) })
	if err != nil {
		return err
	}
	endpoint, _ := config.Endpoint(app.getenvBefore, p, files, "sts")
	step := sts.Step{Action: sts.GetSessionToken, Profile: profile, MFASerial: serial, Duration: 15 * time.Minute, Endpoint: endpoint, Region: p.Region()}
	if step.Region == "" {
		step.Region = "us-east-1"
		if partition, ok := config.PartitionOfARN(serial); ok {
			step.Region = partition.STSRegion
		}
	}
	_, err = app.client(p).Call(ctx, sts.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}, step, code)
	var refused *sts.CallError
	wrong := errors.As(err, &refused) && refused.WrongMFACode()
	used.add(code, !wrong)
	if wrong {
		return &hintError{fmt.Errorf("AWS did not take its code: %w", err), "it is the secret of another device, or the clock of this machine is wrong"}
	}
	return err
}
