package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
)

type rotateOptions struct {
	resume, keepOld, dryRun bool

	replace string         // the id of the user's other key, to be deleted first
	session sessionOptions // of these only those of MFA and --yes
}

func (app *App) rotateCommand() *cobra.Command {
	var opts rotateOptions
	c := &cobra.Command{
		Use:   "rotate [PROFILE]",
		Short: "replace the stored access key of a profile by a new one",
		Long: `rotate replaces the access key of an IAM user by a new one: it has AWS make
the new key, stores it beside the old one, waits until AWS takes it, makes it
the key of the profile, and then deactivates and deletes the old one. Where the
profile names an MFA device, one code is asked for.

Each step is written down in the keystore before the next is made. Whatever
happens in between, the stored key is one that works; --resume goes on from
there.

A user has two access keys at most. Where there is another one already, rotate
says what is known of it and changes nothing; --replace deletes that one first.

Other profiles for which the same key is stored get the new one as well. One
that has it in clear, in ~/.aws/credentials, would stop working: rotate asks
first.`,
		Example: `  vault rotate work
  vault rotate work --resume
  vault rotate work --keep-old
  vault rotate work --replace AKIAIOSFODNN7EXAMPLE`,
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			if err := opts.check(); err != nil {
				return err
			}
			if len(args) == 0 {
				name, err := app.pick(c, app.keyMenu)
				if err != nil {
					return err
				}
				args = []string{name}
			}
			return app.rotate(c.Context(), args[0], opts)
		},
	}
	f := c.Flags()
	f.BoolVar(&opts.resume, "resume", false, "go on with a rotation that was cut off")
	f.BoolVar(&opts.keepOld, "keep-old", false, "deactivate the old key, and do not delete it")
	f.StringVar(&opts.replace, "replace", "", "delete the user's other key first, the one with this `ID`")
	f.BoolVar(&opts.dryRun, "dry-run", false, "say what would be done, and change nothing")
	f.StringVar(&opts.session.mfaCode, "mfa-code", "", "the MFA `CODE`, in place of being asked")
	f.StringVar(&opts.session.prompt, "prompt", "", "ask for the MFA code by `PROGRAM`: "+strings.Join(config.MFAPrompts, ", "))
	f.BoolVar(&opts.session.yes, "yes", false, "do not ask: neither for a protected profile, nor before another key stops working")
	app.completeFlags(c)
	return c
}

func (o *rotateOptions) check() error {
	switch {
	case o.resume && o.replace != "":
		return usageErrorf("rotate: --resume and --replace exclude each other")
	case o.resume && o.dryRun:
		return usageErrorf("rotate: --resume and --dry-run exclude each other")
	case o.replace != "" && checkKeyID(o.replace) != nil:
		return usageErrorf("rotate: --replace takes the id of an access key, which begins with AKIA")
	}
	return o.session.check()
}

// A rotation replaces the key of a profile by a new one. Its journal says how
// far it has come.
type rotation struct {
	*App
	opts    rotateOptions
	files   *config.Files
	profile *config.Profile // with nothing but its name where the files do not define it
	backend string
	store   Store
	stored  keystore.UserKey // the profile's
	journal keystore.Rotation

	keys sts.Keys
	with sts.Credentials // that IAM is called with; zero: none yet
	by   string          // the id of the key that they are of

	freed  bool // a key of the user was deleted a moment ago
	unsure bool // AWS may have made a key that it does not list yet
}

func (app *App) rotate(ctx context.Context, name string, opts rotateOptions) error {
	app.Arm()
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return err
	}
	r := &rotation{App: app, opts: opts, files: files}
	var none *config.NotFoundError
	if r.profile, err = files.Profile(name); errors.As(err, &none) {
		r.profile, err = &config.Profile{Section: config.Section{Kind: "profile", Name: name}}, nil
	}
	if err != nil {
		return err
	}
	if r.backend, err = app.rotatable(ctx, r.profile, files, none); err != nil {
		return err
	}
	settings, err := app.ownSettings()
	if err != nil {
		return err
	}
	account, _, _ := outline(r.profile)
	if err := app.guard(ctx, name, account, settings.For(name), &r.opts.session); err != nil {
		return err
	}
	unlock, err := app.lockRotation(name)
	if err != nil {
		return err
	}
	defer unlock()
	if r.store, err = app.open(r.backend); err != nil {
		return err
	}
	r.journal, err = keystore.GetRotation(ctx, r.store, name)
	unfinished := err == nil
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return err
	}
	if r.stored, err = keystore.GetUserKey(ctx, r.store, name); err != nil {
		return err
	}
	app.keepSeed(r.stored)
	switch {
	case opts.resume && !unfinished:
		app.note(fmt.Sprintf("profile %q: no rotation of its key is unfinished", name))
		return r.mark(ctx, name, false)
	case opts.resume:
		return r.resume(ctx)
	case unfinished:
		return &rotationError{r, fmt.Errorf("profile %q: a rotation of its key is unfinished", name)}
	}
	return r.begin(ctx)
}

// rotatable returns the keystore that has the key of a profile, and says of one
// without what to do.
func (app *App) rotatable(ctx context.Context, p *config.Profile, files *config.Files, none *config.NotFoundError) (backend string, err error) {
	index, err := app.readIndex()
	if app.indexLost(err) {
		if err = app.repairIndex(ctx); err == nil {
			index, err = app.readIndex()
		}
	}
	if err != nil {
		return "", err
	}
	entry, ok := index.Keys[p.Name]
	if ok {
		if backend, err = app.keeper(p.Name); err != nil || backend == backendOf(index, entry) {
			return backend, err
		}
		return "", app.noStoredKey(p.Name, backendOf(index, entry))
	}
	if none != nil {
		return "", none
	}
	missing := fmt.Errorf("profile %q: no access key is stored for it", p.Name)
	if _, static, _ := p.StaticKeys(); static {
		return "", &hintError{missing, "its key lies in clear in a file of the AWS CLI: store it first with: " + app.name() + " add " + word(p.Name)}
	}
	if chain, err := files.Chain(p.Name); err == nil {
		for _, from := range chain {
			if _, ok := index.Keys[from.Name]; ok {
				return "", &hintError{missing, "it uses that of profile " + from.Name + ": " + app.name() + " rotate " + word(from.Name)}
			}
		}
	}
	return "", app.noStoredKey(p.Name, "")
}

// lockRotation takes the lock that is held while the key of a profile is being
// rotated. Who comes second does not wait: he would rotate the new key.
func (app *App) lockRotation(profile string) (unlock func(), err error) {
	sum := sha256.Sum256([]byte(profile))
	path := filepath.Join(app.locks(), "rotate-"+hex.EncodeToString(sum[:8])+".lock")
	unlock, ok, err := keystore.TryLock(path)
	if err == nil && !ok {
		err = fmt.Errorf("profile %q: another vault%s is rotating its key", profile, holder(path))
	}
	return unlock, err
}

// A rotationError reports a rotation that stopped half-way.
type rotationError struct {
	r   *rotation
	err error
}

func (e *rotationError) Error() string { return fmt.Sprintf("%s: %s", e.err, e.r.state()) }

func (e *rotationError) Unwrap() error { return e.err }

// hints returns what to type: first what is to be said of the cause.
func (e *rotationError) hints(app *App) []string {
	var call *sts.CallError
	lines := app.permissionHints(e.err)
	if !errors.As(e.err, &call) || call.WrongMFACode() || call.ClockOff() || call.Unknown() && e.r.journal.Stage == keystore.Begun {
		lines = app.hints(e.err) // of others it says that nothing was changed
	}
	return append(lines, "go on with: "+app.name()+" rotate "+word(e.r.profile.Name)+" --resume")
}

// state says which keys there are, and which one counts.
func (r *rotation) state() string {
	from, to, name := r.journal.Old.AccessKeyID, r.journal.New.AccessKeyID, r.profile.Name
	switch r.journal.Stage {
	case keystore.Begun:
		return fmt.Sprintf("%s is still the key of profile %q, and AWS may have made another", from, name)
	case keystore.Deactivated:
		return fmt.Sprintf("%s is the key of profile %q now, and %s is deactivated, but not deleted", to, name, from)
	}
	if r.stored.AccessKeyID == to {
		return fmt.Sprintf("%s is the key of profile %q now, and %s is still active", to, name, from)
	}
	return fmt.Sprintf("%s is still the key of profile %q, and %s is stored beside it", from, name, to)
}

// permissionHints says what a user's own key has to be allowed to do.
func (app *App) permissionHints(err error) []string {
	var call *sts.CallError
	if !errors.As(err, &call) || call.Code != "AccessDenied" && call.Code != "AccessDeniedException" || !call.Step.Action.OfIAM() {
		return nil
	}
	lines := []string{fmt.Sprintf("the user needs iam:%s on himself; docs/keys.md has a policy for it", call.Step.Action)}
	if strings.HasPrefix(call.AccessKeyID, "AKIA") {
		return append(lines, "no MFA was used: if the policy wants it, name the device as mfa_serial in the profile")
	}
	return append(lines, "if the policy wants an MFA code that is fresh: "+app.name()+" clear, and again")
}
