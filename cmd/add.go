package cmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

type addOptions struct {
	env, stdin, overwrite, noVerify, totp bool
}

func (app *App) addCommand() *cobra.Command {
	var opts addOptions
	c := &cobra.Command{
		Use:   "add PROFILE",
		Short: "store the access key of a profile",
		Long: `add stores the long-lived access key of an IAM user in the keystore, under the
name of a profile, which it adds to the config file if it is not there. The
key is tried with AWS before it is stored.`,
		Example:           "  vault add work\n  vault add work --env\n  vault add work --stdin < key.json\n  vault add work --overwrite\n  vault add work --totp",
		Args:              app.atMost(1, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if opts.env && opts.stdin {
				return usageErrorf("add: --env and --stdin exclude each other")
			}
			if opts.totp {
				return app.addWithSeed(c.Context(), args[0], opts)
			}
			return app.add(c.Context(), args[0], opts)
		},
	}
	c.Flags().BoolVar(&opts.env, "env", false, "take it from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	c.Flags().BoolVar(&opts.stdin, "stdin", false, "read it from standard input: two lines, or the JSON of \"aws iam create-access-key\"")
	c.Flags().BoolVar(&opts.overwrite, "overwrite", false, "replace a key that is stored already")
	c.Flags().BoolVar(&opts.noVerify, "no-verify", false, "do not try it with AWS")
	c.Flags().BoolVar(&opts.totp, "totp", false, "store the secret of the MFA device as well: no code is asked for then")
	return c
}

const (
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	letters  = capitals + "abcdefghijklmnopqrstuvwxyz"
	digits   = "0123456789"
)

// madeOf reports whether s consists of the characters in set, and of at least
// one.
func madeOf(s, set string) bool { return s != "" && strings.Trim(s, set) == "" }

// isProfileName reports whether the AWS SDKs take s for the name of a profile
// (AWS SDKs and Tools Reference Guide, "Shared config and credentials files").
func isProfileName(s string) bool { return madeOf(s, letters+digits+"/.%@_:+-") }

func (app *App) add(ctx context.Context, profile string, opts addOptions) error {
	app.Arm()
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return err
	}
	if !isProfileName(profile) && !files.Has(profile) {
		return usageErrorf("profile %q: a profile's name is made of letters, digits and / . %% @ _ : + -", profile)
	}
	index, err := app.readIndex()
	if app.indexLost(err) {
		if err = app.repairIndex(ctx); err == nil {
			index, err = app.readIndex()
		}
	}
	if err != nil {
		return err
	}
	if old, ok := index.Keys[profile]; ok && !opts.overwrite {
		return &usageError{text: fmt.Sprintf("profile %q has a key already: %s", profile, old.AccessKeyID),
			hint: "replace it with: " + app.name() + " add --overwrite " + word(profile)}
	}
	c, err := app.choose()
	if err != nil {
		return err
	}
	if c.why != "" {
		app.note(fmt.Sprintf("keys are kept in %s: %s", app.where(c.backend), c.why))
	}
	app.warnPin(c)
	store, err := app.open(c.backend)
	if err != nil {
		return err
	}
	key, err := app.readKey(ctx, profile, opts)
	if err != nil {
		return err
	}
	p, err := files.Profile(profile)
	var none *config.NotFoundError
	if err != nil && !errors.As(err, &none) {
		return err
	}
	if !opts.noVerify {
		caller, err := app.verify(ctx, key, files, p)
		if err != nil {
			return &storeNothing{err}
		}
		app.note(fmt.Sprintf("the key is that of %s", caller.ARN))
	}
	unlock, err := app.lockRotation(profile)
	if err != nil {
		return err
	}
	defer unlock()
	// The index may not know: the keystore is the truth.
	switch old, err := keystore.GetUserKey(ctx, store, profile); {
	case err == nil && !opts.overwrite:
		return &usageError{text: fmt.Sprintf("profile %q has a key already, which the index does not know: %s", profile, old.AccessKeyID),
			hint: "use that one after: " + app.name() + " unlock; or replace it with: " + app.name() + " add --overwrite " + word(profile)}
	case err == nil:
		// AWS shows the secret of an MFA device once.
		key.MFASerial, key.MFASeed = old.MFASerial, old.MFASeed
	case errors.Is(err, keystore.ErrNotFound), errors.Is(err, keystore.ErrCorrupt) && opts.overwrite:
	default:
		return err
	}
	if err := keystore.PutUserKey(ctx, store, profile, key); err != nil {
		return err
	}
	entry := keystore.EntryOf(key)
	entry.Added = app.Now().UTC()
	if err := app.record(ctx, profile, c.backend, entry); err != nil {
		return fmt.Errorf("the key is stored, but its index is not: %w", err)
	}
	where := app.where(c.backend)
	if none != nil {
		if err := config.AddProfile(files.Paths.Config, profile, nil); err != nil {
			return fmt.Errorf("the key is stored, but the profile is not in the config: %w", err)
		}
		app.note(fmt.Sprintf("added [%s] to %s", section(profile), tilde(files.Paths.Config, app.Home)))
	}
	app.note(fmt.Sprintf("stored %s for profile %q in %s", key.AccessKeyID, profile, where))
	return nil
}

// storeNothing says of a key that did not pass that nothing was stored.
type storeNothing struct{ error }

func (e *storeNothing) Error() string { return e.error.Error() + ": nothing was stored" }
func (e *storeNothing) Unwrap() error { return e.error }

func section(profile string) string {
	if profile == "default" {
		return profile
	}
	return "profile " + profile
}

func (app *App) verify(ctx context.Context, key keystore.UserKey, files *config.Files, p *config.Profile) (sts.Caller, error) {
	region, endpoint := "us-east-1", app.Env["AWS_ENDPOINT_URL_STS"]
	if endpoint == "" {
		endpoint = app.Env["AWS_ENDPOINT_URL"]
	}
	if p != nil {
		endpoint, _ = config.Endpoint(app.getenvBefore, p, files, "sts")
		if p.Region() != "" {
			region = p.Region()
		}
	}
	return app.client(p).Caller(ctx, sts.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}, region, endpoint)
}

// readKey gets the key from where the flags say, in the form that AWS gives
// them; white space around is an accident of pasting.
func (app *App) readKey(ctx context.Context, profile string, opts addOptions) (keystore.UserKey, error) {
	var id, value string
	switch {
	case opts.env:
		id, value = app.Env["AWS_ACCESS_KEY_ID"], app.Env["AWS_SECRET_ACCESS_KEY"]
		if id == "" || value == "" {
			return keystore.UserKey{}, usageErrorf("add --env: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set")
		}
	case opts.stdin:
		var err error
		if id, value, err = scanKey(app.Stdin); err != nil {
			return keystore.UserKey{}, err
		}
	default:
		for try := 1; ; try++ {
			typed, err := app.Terminal.Ask(ctx, fmt.Sprintf("Access key id for profile %s: ", profile), false)
			if err != nil {
				return keystore.UserKey{}, &hintError{err, "give it with --stdin or --env"}
			}
			id = typed
			err = checkKeyID(strings.TrimSpace(id))
			if err == nil {
				break
			}
			if try == attempts {
				return keystore.UserKey{}, err
			}
			app.report(err)
		}
		for try := 1; ; try++ {
			typed, err := app.Terminal.Ask(ctx, "Secret access key (not shown): ", true)
			if err != nil {
				return keystore.UserKey{}, err
			}
			value = typed
			err = checkSecret(strings.TrimSpace(value))
			if err == nil {
				break
			}
			if try == attempts {
				return keystore.UserKey{}, err
			}
			app.report(err)
		}
	}
	id, value = strings.TrimSpace(id), strings.TrimSpace(value)
	if err := checkKeyID(id); err != nil {
		return keystore.UserKey{}, err
	}
	if err := checkSecret(value); err != nil {
		return keystore.UserKey{}, err
	}
	return keystore.UserKey{AccessKeyID: id, SecretAccessKey: keystore.NewSecret(value)}, nil
}

// attempts is how often a person may mistype.
const attempts = 3

// checkKeyID checks the form of an access key id of an IAM user (IAM User
// Guide, "IAM identifiers", unique id prefixes). What was typed is not
// repeated: it may be the secret, put in the wrong place.
func checkKeyID(id string) error {
	switch {
	case strings.HasPrefix(id, "ASIA"):
		return usageErrorf("an access key id that begins with ASIA is temporary: vault stores long-lived keys, which begin with AKIA")
	case strings.HasPrefix(id, "AKIA") && len(id) == 20 && madeOf(id, capitals+digits):
		return nil
	case len(id) == 40:
		return usageErrorf("that looks like a secret access key: the access key id begins with AKIA and has 20 characters")
	}
	return usageErrorf("that is not an access key id: it begins with AKIA and has 20 capital letters and digits; this has %d characters", len(id))
}

func checkSecret(value string) error {
	if len(value) == 40 && madeOf(value, letters+digits+"/+=") {
		return nil
	}
	if len(value) != 40 {
		return usageErrorf("that is not a secret access key: it has 40 characters, this has %d", len(value))
	}
	return usageErrorf("that is not a secret access key: it is made of letters, digits, / and +")
}

// scanKey reads a key from a pipe: two lines, NAME=VALUE lines as in
// ~/.aws/credentials or an environment, or the JSON that IAM answers.
func scanKey(r io.Reader) (id, value string, err error) {
	text, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return "", "", fmt.Errorf("standard input: %w", err)
	}
	defer clear(text)
	var answer struct {
		AccessKey struct{ AccessKeyID, SecretAccessKey string }
	}
	if json.Unmarshal(text, &answer) == nil && answer.AccessKey.AccessKeyID != "" {
		return answer.AccessKey.AccessKeyID, answer.AccessKey.SecretAccessKey, nil
	}
	var plain []string
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		name, v, named := strings.Cut(line, "=")
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "export ")))
		v = strings.Trim(strings.TrimSpace(v), `"'`)
		switch {
		case line == "" || line[0] == '#' || line[0] == '[':
		case named && name == "aws_access_key_id":
			id = v
		case named && name == "aws_secret_access_key":
			value = v
		default:
			plain = append(plain, line)
		}
	}
	if id == "" && value == "" && len(plain) == 2 {
		id, value = plain[0], plain[1]
	}
	if id == "" || value == "" {
		return "", "", &usageError{text: "add --stdin: no key in what was read", hint: "two lines are wanted: the access key id, then the secret access key"}
	}
	return id, value, nil
}
