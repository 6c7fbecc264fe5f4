package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// store stores the keys, each on its own: what is wrong with one does not stop
// the others, but a keystore that does not open does.
func (im *importer) store(ctx context.Context) error {
	if im.todo() == 0 {
		return nil
	}
	c, err := im.choose()
	if err != nil {
		return err
	}
	im.warnPin(c)
	store, err := im.open(im.to)
	if err != nil {
		return err
	}
	var away error // AWS cannot be reached
	for i := range im.keys {
		k := &im.keys[i]
		if k.state != keyNew && k.state != keyReplaces {
			continue
		}
		err := away
		if err == nil && !im.noVerify {
			err = im.try(ctx, k)
			if call := (*sts.CallError)(nil); errors.As(err, &call) && call.Code == "" && call.Host != "" {
				away = err
				err = &hintError{err, "import without trying them with AWS: --no-verify"}
			} else if err != nil {
				err = fmt.Errorf("%w: not stored", err)
			}
		} else if away != nil {
			err = errNotTried
		}
		if err == nil {
			err = im.keep(ctx, store, k)
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, context.Canceled):
			im.note(fmt.Sprintf("interrupted: %s imported so far", count(im.stored, "key is", "keys are")))
			return context.Canceled
		case err != nil:
			k.state = keyFailed
			im.fail(fmt.Errorf("key %s of profile %q: %w", k.key.AccessKeyID, k.profile, err))
			if isKeystoreError(err) {
				return im.end(im.todo()+im.stored+1, 0)
			}
		default:
			k.state = keySame
			im.stored++
		}
	}
	return nil
}

var errNotTried = errors.New("not tried with AWS, and not stored")

// try has AWS say whose key it is.
func (im *importer) try(ctx context.Context, k *foundKey) error {
	p, err := im.files.Profile(k.profile)
	if none := (*config.NotFoundError)(nil); err != nil && !errors.As(err, &none) {
		return err
	}
	caller, err := im.verify(ctx, k.key, im.files, p)
	if err != nil {
		return err
	}
	im.note(fmt.Sprintf("%s is a key of %s", k.key.AccessKeyID, caller.ARN))
	if strings.HasSuffix(caller.ARN, ":root") {
		// AWS STS API Reference, AssumeRole: "You cannot use AWS account root
		// user credentials"; IAM User Guide, "Root user best practices".
		im.note("that is the root user, who can assume no role: AWS advises to have no such key")
	}
	return nil
}

// keep stores a key, reads it back, and adds its profile to the config.
func (im *importer) keep(ctx context.Context, store Store, k *foundKey) error {
	key := k.key
	switch old, err := keystore.GetUserKey(ctx, store, k.profile); {
	case err == nil && old.AccessKeyID != key.AccessKeyID && !im.overwrite:
		return &usageError{text: fmt.Sprintf("the keystore has another key of it, which the index does not know: %s", old.AccessKeyID), hint: "replace it with --overwrite"}
	case err == nil:
		// AWS shows the secret of an MFA device once.
		key.MFASerial, key.MFASeed = old.MFASerial, old.MFASeed
	case errors.Is(err, keystore.ErrNotFound), errors.Is(err, keystore.ErrCorrupt) && im.overwrite:
	default:
		return err
	}
	if err := keystore.PutUserKey(ctx, store, k.profile, key); err != nil {
		return err
	}
	back, err := keystore.GetUserKey(ctx, store, k.profile)
	if err != nil {
		return fmt.Errorf("stored, and not to be read back: %w", err)
	}
	if !sameKey(back, key) {
		return fmt.Errorf("what was read back differs: %w", keystore.ErrCorrupt)
	}
	entry := keystore.EntryOf(key)
	entry.Added = im.Now().UTC()
	if err := im.record(ctx, k.profile, im.to, entry); err != nil {
		return fmt.Errorf("the key is stored, but its index is not: %w", err)
	}
	if !im.files.Has(k.profile) {
		err := config.AddProfile(im.files.Paths.Config, k.profile, nil)
		if err != nil && !errors.Is(err, config.ErrExists) {
			return fmt.Errorf("the key is stored, but the profile is not in the config: %w", err)
		}
	}
	return nil
}

func sameKey(a, b keystore.UserKey) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey.Reveal() == b.SecretAccessKey.Reveal()
}
