package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// create has AWS make the new key and stores it, and goes on from there. From
// the moment that AWS is asked until the answer is stored nothing interrupts
// it but the end of the process, and of that the journal tells.
func (r *rotation) create(ctx context.Context, known []sts.AccessKey) error {
	name := r.profile.Name
	r.journal.Began, r.journal.Known = r.Now(), nil
	for _, k := range known {
		r.journal.Known = append(r.journal.Known, k.ID)
	}
	if err := keystore.PutRotation(ctx, r.store, name, r.journal); err != nil {
		return fmt.Errorf("%w: nothing was changed", err)
	}
	whole := context.WithoutCancel(ctx)
	if err := r.mark(whole, name, true); err != nil {
		_ = keystore.DeleteRotation(whole, r.store, name) // else it can be resumed
		return fmt.Errorf("%w: nothing was changed", err)
	}
	var key keystore.UserKey
	err := r.patiently(ctx, func() (err error) {
		key, err = r.keys.Create(whole, r.with)
		return err
	})
	var call *sts.CallError
	switch {
	case errors.As(err, &call) && (call.Unsure() || call.Code == "LimitExceeded" && r.unsure):
		return &rotationError{r, err}
	case errors.As(err, &call) && call.Code == "LimitExceeded":
		r.drop(whole)
		return &hintError{err, "the user has two access keys: delete one in the console, or with --replace ID"}
	case err != nil:
		r.drop(whole)
		return err
	}
	r.journal.New, r.journal.Stage = key, keystore.Stored
	if err := keystore.PutRotation(whole, r.store, name, r.journal); err != nil {
		return r.takeBack(whole, key.AccessKeyID, err)
	}
	r.note(fmt.Sprintf("made %s, and stored it in %s", key.AccessKeyID, r.where(r.backend)))
	return r.finish(ctx)
}

// takeBack deletes a new key that could not be stored. AWS may not find at
// once what it has made a moment ago.
func (r *rotation) takeBack(ctx context.Context, id string, why error) error {
	r.journal.New, r.journal.Stage = keystore.UserKey{}, keystore.Begun
	var err error
	for range 5 {
		err = r.keys.Delete(ctx, r.with, id)
		var call *sts.CallError
		if !errors.As(err, &call) || call.Code != "NoSuchEntity" {
			break
		}
		if sleep(ctx, time.Second) != nil {
			break
		}
	}
	if err != nil {
		return &rotationError{r, fmt.Errorf("%w: so nobody has the secret of %s, which AWS has made, and it could not be deleted: %w", why, id, err)}
	}
	r.drop(ctx)
	return fmt.Errorf("%w: the new key %s was deleted again, and %s stays", why, id, r.journal.Old.AccessKeyID)
}

// drop forgets the rotation. Where that fails it is known for one that can be
// resumed, and does no harm.
func (r *rotation) drop(ctx context.Context) {
	if keystore.DeleteRotation(ctx, r.store, r.profile.Name) == nil {
		_ = r.mark(ctx, r.profile.Name, false)
	}
}

// mark notes in the index whether a rotation is unfinished.
func (app *App) mark(ctx context.Context, profile string, rotating bool) error {
	return keystore.UpdateIndex(ctx, app.indexFile(), func(x *keystore.Index) error {
		if e, ok := x.Keys[profile]; ok {
			e.Rotating = rotating
			x.Keys[profile] = e
		}
		return nil
	})
}
