package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// resume goes on where the journal ends.
func (r *rotation) resume(ctx context.Context) error {
	from, to := r.journal.Old.AccessKeyID, r.journal.New.AccessKeyID
	if id := r.stored.AccessKeyID; id != from && id != to {
		return r.overtaken(ctx)
	}
	others, unlock, err := r.lockOthers(ctx, from)
	if err != nil {
		return err
	}
	defer unlock()
	r.stepBack(len(others))
	r.iam(r.journal.ARN)
	r.journal.KeepOld = r.journal.KeepOld || r.opts.keepOld
	switch r.journal.Stage {
	case keystore.Begun:
		return r.beginAgain(ctx)
	case keystore.Stored:
		err := r.finish(ctx)
		var call *sts.CallError
		if r.journal.Stage == keystore.Stored && errors.As(err, &call) && call.Unknown() {
			return r.lost(ctx, err)
		}
		return err
	}
	return r.finish(ctx)
}

// stepBack makes the new key that of the profiles once more where the old one
// was stored again after that: it is about to be deleted at AWS.
func (r *rotation) stepBack(others int) {
	switch {
	case r.journal.Stage != keystore.Switched && r.journal.Stage != keystore.Deactivated:
	case r.stored.AccessKeyID == r.journal.Old.AccessKeyID:
		r.journal.Stage = keystore.Stored // the new one may have been given up
	case others > 0:
		r.journal.Stage = keystore.Verified
	}
}

// orphanAge is how far from when AWS was asked for a key the key may have been
// made: a signature is good for five minutes, and clocks differ by as much (IAM
// User Guide, "Signature Version 4").
const orphanAge = 10 * time.Minute

// beginAgain asks for a new key once more, and deletes the one that AWS may
// have made before: its secret never came here.
func (r *rotation) beginAgain(ctx context.Context) error {
	if err := r.signIn(ctx, r.stored); err != nil {
		return err
	}
	known, err := r.keys.List(ctx, r.with)
	if refused(err, "AccessDenied") {
		r.note("whether AWS has made a key is not known: iam:ListAccessKeys is not allowed")
		return r.create(ctx, nil)
	}
	if err != nil {
		return &rotationError{r, err}
	}
	r.unsure = true
	for i, k := range known {
		age := k.Created.Sub(r.journal.Began).Abs()
		if r.journal.Known == nil || slices.Contains(r.journal.Known, k.ID) || r.storedFor(k.ID) != "" || k.ID == r.stored.AccessKeyID || age > orphanAge {
			continue
		}
		if err := r.keys.LastUsed(ctx, r.with, &known[i]); err != nil || !known[i].Used.IsZero() {
			continue // it may be somebody's
		}
		if err := r.keys.Delete(ctx, r.with, k.ID); err != nil && !refused(err, "NoSuchEntity") {
			return &rotationError{r, err}
		}
		r.freed, r.unsure = true, false
		r.note(fmt.Sprintf("deleted %s, which AWS had made, and whose secret never came here", k.ID))
		known = slices.Delete(known, i, i+1)
		break
	}
	if len(known) > 1 {
		// As if it had never begun: what to do then is said by survey.
		r.drop(ctx)
		_, err := r.survey(ctx)
		return err
	}
	return r.create(ctx, known)
}

// lost reports a new key that never came good. One that is gone at AWS never
// will: then the rotation is forgotten, and the old key stays.
func (r *rotation) lost(ctx context.Context, why error) error {
	if err := r.signIn(ctx, r.journal.Old); err != nil {
		return why
	}
	known, err := r.keys.List(ctx, r.with)
	if err != nil || slices.ContainsFunc(known, func(k sts.AccessKey) bool { return k.ID == r.journal.New.AccessKeyID }) {
		return why
	}
	r.drop(ctx)
	return fmt.Errorf("%s is no longer there at AWS: the rotation is forgotten, and %s stays the key of profile %q",
		r.journal.New.AccessKeyID, r.journal.Old.AccessKeyID, r.profile.Name)
}

// overtaken ends a rotation whose profile got another key meanwhile: that one
// stays, and the new one is deleted if nobody ever had it. The old one is left
// to who stored the other.
func (r *rotation) overtaken(ctx context.Context) error {
	r.note(fmt.Sprintf("%s is stored for profile %q by now: it stays, and the rotation is forgotten", r.stored.AccessKeyID, r.profile.Name))
	index, err := r.readIndex()
	if err != nil {
		return err
	}
	id := r.journal.New.AccessKeyID
	switched := r.journal.Stage == keystore.Switched || r.journal.Stage == keystore.Deactivated
	for _, e := range index.Keys {
		switched = switched || e.AccessKeyID == id
	}
	switch {
	case id == "":
		r.note("AWS may have made a key for it, whose secret never came here")
	case switched:
		r.note(id + ", which the rotation had made, stays at AWS: it has been in use")
	default:
		r.iam(r.journal.ARN)
		err := r.signIn(ctx, r.stored)
		if err == nil {
			err = r.keys.Delete(ctx, r.with, id)
		}
		switch {
		case errors.Is(err, context.Canceled):
			return err
		case err == nil:
			r.note("deleted " + id + ", which the rotation had made")
		case !refused(err, "NoSuchEntity"):
			r.note(fmt.Sprintf("%s, which the rotation had made, may still be there at AWS: %s", id, err))
		}
	}
	if err := keystore.DeleteRotation(ctx, r.store, r.profile.Name); err != nil {
		return err
	}
	return r.mark(ctx, r.profile.Name, false)
}
