package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// finish goes the steps that are left. Each may be gone twice: it is written
// down after it was made.
func (r *rotation) finish(ctx context.Context) error {
	steps := map[keystore.Stage]func(context.Context) (keystore.Stage, error){
		keystore.Stored:      r.verifyNew,
		keystore.Verified:    r.switchOver,
		keystore.Switched:    r.deactivateOld,
		keystore.Deactivated: r.deleteOld,
	}
	for {
		step := steps[r.journal.Stage]
		next, err := step(ctx)
		if err == nil && next == "" {
			return r.finished(ctx)
		}
		if err == nil {
			// A step that was made is written down, whoever presses ^C.
			before := r.journal.Stage
			r.journal.Stage = next
			if err = keystore.PutRotation(context.WithoutCancel(ctx), r.store, r.profile.Name, r.journal); err != nil {
				r.journal.Stage = before
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case errors.Is(err, context.Canceled):
			r.note(fmt.Sprintf("stopped: %s; go on with: %s rotate %s --resume", r.state(), r.name(), word(r.profile.Name)))
			return err
		case err != nil:
			return &rotationError{r, err}
		}
	}
}

// verifyNew waits until AWS takes the new key, and for the same user.
func (r *rotation) verifyNew(ctx context.Context) (keystore.Stage, error) {
	var who sts.Caller
	err := r.patiently(ctx, func() (err error) {
		who, err = r.verify(ctx, r.journal.New, r.files, r.profile)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", r.journal.New.AccessKeyID, err)
	}
	if who.ARN != r.journal.ARN {
		return "", fmt.Errorf("%s is a key of %s, and not of %s", r.journal.New.AccessKeyID, who.ARN, r.journal.ARN)
	}
	return keystore.Verified, nil
}

// switchOver makes the new key that of the profile, and of all others that had
// the old one.
func (r *rotation) switchOver(ctx context.Context) (keystore.Stage, error) {
	ctx = context.WithoutCancel(ctx) // it takes a moment
	from, to := r.journal.Old.AccessKeyID, r.journal.New.AccessKeyID
	key, err := keystore.GetUserKey(ctx, r.store, r.profile.Name)
	if err != nil {
		return "", err
	}
	others, err := r.others(ctx, from)
	if err != nil {
		return "", err
	}
	for _, o := range append(others, otherProfile{r.profile.Name, r.store, r.backend, key}) {
		switch o.key.AccessKeyID {
		case from:
			made := r.journal.New
			made.MFASerial, made.MFASeed = o.key.MFASerial, o.key.MFASeed
			if err := keystore.PutUserKey(ctx, o.store, o.profile, made); err != nil {
				return "", err
			}
			if o.key = made; o.profile == r.profile.Name {
				r.stored = made
			}
		case to: // an earlier attempt came that far
		default:
			return "", fmt.Errorf("%s is stored for profile %q by now", o.key.AccessKeyID, o.profile)
		}
		entry := keystore.EntryOf(o.key)
		if entry.Added.IsZero() {
			entry.Added = r.Now().UTC()
		}
		if err := r.record(ctx, o.profile, o.backend, entry); err != nil {
			return "", err
		}
		r.note(fmt.Sprintf("%s works: it is the key of profile %q now", to, o.profile))
	}
	return keystore.Switched, nil
}

// deactivateOld has AWS no longer take the old key. A user who may not do that
// may be allowed to delete it all the same.
func (r *rotation) deactivateOld(ctx context.Context) (keystore.Stage, error) {
	id := r.journal.Old.AccessKeyID
	err := r.asNew(ctx, func(with sts.Credentials) error { return r.keys.Deactivate(ctx, with, id) })
	switch {
	case refused(err, "NoSuchEntity"):
	case refused(err, "AccessDenied") && !r.journal.KeepOld:
		r.note(fmt.Sprintf("%s is not deactivated first: iam:UpdateAccessKey is not allowed", id))
	case err != nil:
		return "", err
	default:
		r.note("deactivated " + id)
	}
	return keystore.Deactivated, nil
}

// deleteOld deletes the old key, unless it is to be kept.
func (r *rotation) deleteOld(ctx context.Context) (keystore.Stage, error) {
	id := r.journal.Old.AccessKeyID
	if r.journal.KeepOld {
		r.note(fmt.Sprintf("%s still counts as one of the user's two keys: delete it when nothing misses it", id))
		return "", nil
	}
	err := r.asNew(ctx, func(with sts.Credentials) error { return r.keys.Delete(ctx, with, id) })
	if err != nil && !refused(err, "NoSuchEntity") {
		return "", err
	}
	r.note("deleted " + id)
	return "", nil
}

// finished forgets the journal, of which nothing is needed any more.
func (r *rotation) finished(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if err := keystore.DeleteRotation(ctx, r.store, r.profile.Name); err != nil {
		return &rotationError{r, err}
	}
	if err := r.mark(ctx, r.profile.Name, false); err != nil {
		return fmt.Errorf("the key is rotated, but the index still says that it is being: %w", err)
	}
	if r.Env["AWS_ACCESS_KEY_ID"] == r.journal.Old.AccessKeyID {
		r.note("this shell has the old key still: renew it with: " + r.name() + " refresh --force")
	}
	return nil
}

// refused reports whether AWS refused a call with a code.
func refused(err error, code string) bool {
	var call *sts.CallError
	return errors.As(err, &call) && call.Code == code
}
