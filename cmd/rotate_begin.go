package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

// begin looks at all that the rotation will touch, changes nothing before that
// is known, and then has AWS make the new key.
func (r *rotation) begin(ctx context.Context) error {
	name, key := r.profile.Name, r.stored
	if r.opts.replace == key.AccessKeyID {
		return usageErrorf("rotate: --replace: %s is the key that is to be rotated", key.AccessKeyID)
	}
	if profile := r.storedFor(r.opts.replace); profile != "" && r.opts.replace != "" {
		return r.taken(r.opts.replace, profile)
	}
	others, unlock, err := r.lockOthers(ctx, key.AccessKeyID)
	if err != nil {
		return err
	}
	defer unlock()
	who, err := r.verify(ctx, key, r.files, r.profile)
	if err != nil {
		return err
	}
	r.iam(who.ARN)
	r.note(fmt.Sprintf("%s of profile %q is a key of %s", key.AccessKeyID, name, who.ARN))
	for _, o := range others {
		r.note(fmt.Sprintf("the same key is stored for profile %q: it gets the new one, too", o.profile))
	}
	if err := r.agreeToClear(ctx, key.AccessKeyID); err != nil {
		return err
	}
	if err := r.signIn(ctx, key); err != nil {
		return err
	}
	known, err := r.survey(ctx)
	if err != nil {
		return err
	}
	if r.opts.dryRun {
		r.say(len(others))
		return nil
	}
	if err := r.replaceOther(ctx, known); err != nil {
		return err
	}
	r.journal = keystore.Rotation{Stage: keystore.Begun, ARN: who.ARN, KeepOld: r.opts.keepOld, Old: withoutSeed(key)}
	return r.create(ctx, known)
}

// withoutSeed returns a key without the secret of its MFA device, which stays
// where it is.
func withoutSeed(key keystore.UserKey) keystore.UserKey {
	key.MFASeed = keystore.Secret{}
	return key
}

// An otherProfile is one that has the same key as the one that is rotated.
type otherProfile struct {
	profile string
	store   Store
	backend string
	key     keystore.UserKey
}

// others returns the other profiles with the key of an id. What cannot be read
// is an error: it would be left with a key that is gone.
func (r *rotation) others(ctx context.Context, id string) ([]otherProfile, error) {
	index, err := r.readIndex()
	if err != nil {
		return nil, err
	}
	var list []otherProfile
	for _, profile := range sortedKeys(index.Keys) {
		entry := index.Keys[profile]
		if profile == r.profile.Name || entry.AccessKeyID != id {
			continue
		}
		if entry.Rotating {
			return nil, &hintError{fmt.Errorf("profile %q has the same key, and a rotation of it is unfinished", profile),
				"finish that one: " + r.name() + " rotate " + word(profile) + " --resume"}
		}
		o := otherProfile{profile: profile, backend: backendOf(index, entry)}
		if o.store, err = r.open(o.backend); err != nil {
			return nil, fmt.Errorf("profile %q, which has the same key: %w", profile, err)
		}
		o.key, err = keystore.GetUserKey(ctx, o.store, profile)
		if err != nil && !errors.Is(err, keystore.ErrNotFound) {
			return nil, fmt.Errorf("profile %q, which has the same key: %w", profile, err)
		}
		// The index may not know yet that it has the new one, or another.
		if o.key.AccessKeyID == id || o.key.AccessKeyID == r.journal.New.AccessKeyID && r.journal.New.AccessKeyID != "" {
			list = append(list, o)
		}
	}
	return list, nil
}

// lockOthers returns the other profiles with the key of an id, and holds their
// locks until unlock is called.
func (r *rotation) lockOthers(ctx context.Context, id string) (others []otherProfile, unlock func(), err error) {
	var unlocks []func()
	unlock = func() {
		for _, u := range unlocks {
			u()
		}
	}
	if others, err = r.others(ctx, id); err != nil {
		return nil, nil, err
	}
	for _, o := range others {
		u, err := r.lockRotation(o.profile)
		if err != nil {
			unlock()
			return nil, nil, err
		}
		unlocks = append(unlocks, u)
	}
	return others, unlock, nil
}

// agreeToClear asks before a key stops working that lies in clear in the files
// of the AWS CLI.
func (r *rotation) agreeToClear(ctx context.Context, id string) error {
	var plain []string
	for p, ok := range r.files.Profiles() {
		if !ok {
			continue
		}
		if keys, static, err := p.StaticKeys(); err == nil && static && keys.ID.Text == id {
			plain = append(plain, fmt.Sprintf("%q (%s)", p.Name, keys.ID.Where()))
		}
	}
	if len(plain) == 0 {
		return nil
	}
	r.note("the same key stands in clear in profile " + strings.Join(plain, ", ") + ": there it stops working")
	if r.opts.dryRun {
		return nil
	}
	return r.agree(ctx, "Rotate it? [y/N] ")
}

// agree asks for a yes; --yes has said it.
func (r *rotation) agree(ctx context.Context, question string) error {
	if r.opts.session.yes {
		return nil
	}
	answer, err := r.Terminal.Ask(ctx, question, false)
	if err != nil {
		return &hintError{err, "say it with --yes"}
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		r.note("nothing was changed")
		return exitError(exitFailed)
	}
	return nil
}

// survey returns the user's keys, nil if AWS does not tell. It is an error if
// there is no room for a new one, or nothing to be replaced.
func (r *rotation) survey(ctx context.Context) ([]sts.AccessKey, error) {
	known, err := r.keys.List(ctx, r.with)
	var call *sts.CallError
	if errors.As(err, &call) && call.Code == "AccessDenied" {
		r.note("AWS does not tell which keys the user has: iam:ListAccessKeys is not allowed")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own, id := r.stored.AccessKeyID, r.opts.replace
	at := slices.IndexFunc(known, func(k sts.AccessKey) bool { return k.ID != own && (id == "" || k.ID == id) })
	switch {
	case id != "" && at < 0:
		return nil, usageErrorf("rotate: --replace: the user has no key %s", id)
	case len(known) < 2:
		return known, nil
	}
	r.note("the user has two access keys, and AWS allows no third:")
	for i := range known {
		_ = r.keys.LastUsed(ctx, r.with, &known[i]) // else it is not told
		r.note("  " + r.describeKey(known[i]))
	}
	if profile := r.storedFor(known[at].ID); profile != "" {
		return nil, r.taken(known[at].ID, profile)
	}
	if id != "" {
		return known, nil
	}
	return nil, &hintError{fmt.Errorf("profile %q: its user has a second access key, %s: nothing was changed", r.profile.Name, known[at].ID),
		fmt.Sprintf("if nothing needs that one: %s rotate %s --replace %s", r.name(), word(r.profile.Name), known[at].ID)}
}

// taken reports another key of the user that vault keeps.
func (r *rotation) taken(id, profile string) error {
	return &hintError{fmt.Errorf("profile %q: its user has a second access key, %s, which is that of profile %q: nothing was changed", r.profile.Name, id, profile),
		fmt.Sprintf("if nothing needs that one: %s remove %s, and then --replace %s", r.name(), word(profile), id)}
}

// storedFor returns the first profile that the key of an id is stored for.
func (r *rotation) storedFor(id string) string {
	index, err := r.readIndex()
	if err != nil {
		return ""
	}
	for _, profile := range sortedKeys(index.Keys) {
		if index.Keys[profile].AccessKeyID == id {
			return profile
		}
	}
	return ""
}

// describeKey says of a key of the user what is known of it.
func (r *rotation) describeKey(k sts.AccessKey) string {
	words := []string{k.ID, "active", "created " + k.Created.Format(time.DateOnly)}
	if !k.Active {
		words[1] = "inactive"
	}
	switch {
	case k.Asked && k.Used.IsZero():
		words = append(words, "never used")
	case k.Asked:
		words = append(words, fmt.Sprintf("used last %s (%s in %s)", k.Used.Format(time.DateOnly), k.Service, k.Region))
	}
	if k.ID == r.stored.AccessKeyID {
		words = append(words, fmt.Sprintf("stored for profile %q", r.profile.Name))
	} else if profile := r.storedFor(k.ID); profile != "" {
		words = append(words, fmt.Sprintf("stored for profile %q", profile))
	}
	return strings.Join(words, ", ")
}

// say says what would be done.
func (r *rotation) say(others int) {
	id, profiles := r.stored.AccessKeyID, fmt.Sprintf("profile %q", r.profile.Name)
	if others > 0 {
		profiles += fmt.Sprintf(" and %d more", others)
	}
	if r.opts.replace != "" {
		r.note("would delete " + r.opts.replace)
	}
	r.note("would make a new key, and store it in " + r.where(r.backend))
	r.note("would make it the key of " + profiles + " when AWS takes it")
	if r.opts.keepOld {
		r.note("would deactivate " + id)
	} else {
		r.note("would deactivate and delete " + id)
	}
}

// replaceOther deletes the user's other key, if that is wanted.
func (r *rotation) replaceOther(ctx context.Context, known []sts.AccessKey) error {
	id := r.opts.replace
	if id == "" {
		return nil
	}
	if i := slices.IndexFunc(known, func(k sts.AccessKey) bool { return k.ID == id }); i >= 0 {
		id = r.describeKey(known[i])
	}
	if err := r.agree(ctx, fmt.Sprintf("Delete %s, for good? [y/N] ", oneLine(id))); err != nil {
		return err
	}
	if err := r.keys.Delete(ctx, r.with, r.opts.replace); err != nil {
		return err
	}
	r.freed = true
	r.note("deleted " + r.opts.replace)
	return nil
}
