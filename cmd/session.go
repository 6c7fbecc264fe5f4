package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/sso"
)

// sessionOptions are the flags of all commands that get credentials.
type sessionOptions struct {
	switchFlags
	mfaCode string
	prompt  string
	yes     bool           // a protected profile is confirmed by the command line
	typed   *pflag.FlagSet // the flags as they were typed, nil if none were

	process   bool                             // a line of the config asks: no person is there to confirm
	confirmed time.Time                        // when a person confirmed the switch; zero: not yet
	until     time.Time                        // the credentials may not outlive it; zero: any time
	plan      func(sts.Plan) (sts.Plan, error) // leads elsewhere than the profile says; nil: it does not
}

func (o *sessionOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.Region, "region", "", "`REGION` to use in place of the profile's")
	f.DurationVar(&o.Duration, "duration", 0, "how long the credentials last (default 1h, or the profile's duration_seconds)")
	f.DurationVar(&o.MinTTL, "min-ttl", 0, "renew what has less than this left (default 5m, less for short sessions)")
	f.BoolVar(&o.NoSession, "no-session", false, "make no session in between: use the key itself")
	f.BoolVar(&o.ReadOnly, "read-only", false, "assume the role for reading only")
	o.typed = f
	f.StringVar(&o.mfaCode, "mfa-code", "", "the MFA `CODE`, in place of being asked")
	f.StringVar(&o.prompt, "prompt", "", "ask for the MFA code by `PROGRAM`: "+strings.Join(config.MFAPrompts, ", "))
}

// bindYes binds --yes, for the commands that hand out credentials.
func (o *sessionOptions) bindYes(f *pflag.FlagSet) {
	f.BoolVar(&o.yes, "yes", false, "confirm a protected profile without being asked")
}

// isMFACode reports whether s is what an MFA device shows: six digits (IAM User
// Guide, "Virtual MFA devices").
func isMFACode(s string) bool { return len(s) == 6 && strings.Trim(s, "0123456789") == "" }

// check looks at the flags before anything is touched.
func (o *sessionOptions) check() error {
	switch {
	case o.Region != "" && !isRegion(o.Region):
		return usageErrorf("--region %q is not the name of a region", o.Region)
	case o.Duration != 0 && o.Duration < 15*time.Minute:
		return usageErrorf("--duration %s is shorter than 15m, the least that AWS allows", o.Duration)
	case o.For < 0 || o.For != 0 && o.For < time.Second:
		return usageErrorf("--for %s is no time to work in", o.For)
	case o.MinTTL < 0:
		return usageErrorf("--min-ttl %s is negative", o.MinTTL)
	case o.mfaCode != "" && !isMFACode(o.mfaCode):
		return usageErrorf("--mfa-code takes the six digits that the device shows")
	case o.prompt != "" && !slices.Contains(config.MFAPrompts, o.prompt):
		return usageErrorf("--prompt %q is not one of %s", o.prompt, strings.Join(config.MFAPrompts, ", "))
	}
	return nil
}

// client returns what speaks to AWS as the profile wants it.
func (app *App) client(p *config.Profile) AWS { return app.Client(app.clientOptions(p)) }

func (app *App) clientOptions(p *config.Profile) ClientOptions {
	setting := func(variable, key string) string {
		if value, ok := app.getenvBefore(variable); ok {
			return value
		}
		if p == nil {
			return ""
		}
		return p.Get(key)
	}
	bundle := setting("AWS_CA_BUNDLE", "ca_bundle")
	if rest, ok := strings.CutPrefix(bundle, "~/"); ok {
		bundle = filepath.Join(app.Home, rest)
	}
	return ClientOptions{
		CABundle:  bundle,
		FIPS:      strings.EqualFold(setting("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"), "true"),
		DualStack: strings.EqualFold(setting("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"), "true"),
	}
}

// cache returns the session cache; store is opened when the sealing key does
// not rest in the kernel.
func (app *App) cache(store func() (Store, error)) *sts.Cache {
	rest := app.KernelKey(keystore.SealingKeyDescription(app.keysFile()), 0, mostRest)
	return &sts.Cache{
		Path: app.sessionsFile(),
		Now:  app.Now,
		Key: func(ctx context.Context) ([]byte, error) {
			if key, ok := rest.Load(ctx); ok {
				return key, nil
			}
			if index, err := app.readIndex(); err == nil && index.Backend == "" && !exists(app.keysFile()) {
				return app.restingKey(ctx, rest)
			}
			s, err := store()
			if err != nil {
				return nil, err
			}
			key, err := keystore.SealingKey(ctx, s, rest, filepath.Join(app.locks(), "sealing-key.lock"))
			if file := new(keystore.FileError); errors.As(err, &file) {
				err = file // which key it was for is no matter to the user
			}
			return key, err
		},
		Rest: func(until time.Time) {
			// Sign-ins are sealed under the same key.
			tokens := sso.Sealed{Path: app.tokensFile(), Now: app.Now}
			if until = later(until, tokens.Until()); until.After(app.Now().Add(mostRest)) {
				until = app.Now().Add(mostRest)
			}
			if !until.After(app.Now()) {
				_ = rest.Drop()
			} else {
				_ = rest.Extend(until)
			}
		},
	}
}

var errNoKeystore = errors.New("there is no keystore yet, where its key would be kept")

// restingKey makes a sealing key that lies nowhere but in the kernel: nobody is
// asked for a new passphrase just for the sake of a cache.
func (app *App) restingKey(ctx context.Context, rest RestingKey) ([]byte, error) {
	unlock, err := keystore.Lock(ctx, filepath.Join(app.locks(), "sealing-key.lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if key, ok := rest.Load(ctx); ok {
		return key, nil
	}
	key := keystore.NewSealingKey()
	if err := rest.Save(key); err != nil {
		return nil, &fs.PathError{Op: "open", Path: tilde(app.keysFile(), app.Home), Err: errNoKeystore}
	}
	return key, nil
}

// mostRest bounds how long the sealing key rests in the kernel: a session
// lasts 36 hours at most (AWS STS API Reference, GetSessionToken).
const mostRest = 36 * time.Hour

// runner returns what goes the plan of r.
func (app *App) runner(r resolved, o sessionOptions, force bool) (*sts.Runner, error) {
	least, err := app.least(o)
	if err != nil {
		return nil, err
	}
	client := app.client(r.profile())
	identity := app.ssoClient(r.profile(), r.files, client)
	return &sts.Runner{
		Now:    app.Now,
		Cache:  app.cache(app.sealingStore),
		Client: sso.Portal{Client: client, SSO: identity},
		Key: func(ctx context.Context, s sts.Step) (sts.Credentials, error) {
			return app.key(ctx, r.files, s)
		},
		Token: func(ctx context.Context, s sts.Step, refused keystore.Secret) (keystore.Secret, error) {
			if s.Action == sts.AssumeRoleWithWebIdentity {
				return app.webIdentity(ctx, s)
			}
			return app.ssoToken(ctx, r, identity, s, refused)
		},
		MFA:   app.mfa(r, o),
		Used:  func(serial, code string, taken bool) { app.usedCodes(serial).add(code, taken) },
		Lock:  app.flights(r),
		Note:  app.note,
		Least: least,
		Until: o.until,
		Force: force,
	}, nil
}

// least returns the life that credentials must have left, 0 for the usual.
func (app *App) least(o sessionOptions) (time.Duration, error) {
	if o.MinTTL != 0 {
		return o.MinTTL, nil
	}
	return app.durationVariable("AWS_MIN_TTL")
}

// key returns the long-lived key that a plan begins with.
func (app *App) key(ctx context.Context, files *config.Files, s sts.Step) (sts.Credentials, error) {
	if s.Action == sts.StaticKeys {
		p, err := files.Profile(s.Profile)
		if err != nil {
			return sts.Credentials{}, err
		}
		keys, ok, err := p.StaticKeys()
		if err != nil || !ok {
			return sts.Credentials{}, err
		}
		return sts.Credentials{AccessKeyID: keys.ID.Text, SecretAccessKey: keystore.NewSecret(keys.Secret.Text), SessionToken: keystore.NewSecret(keys.Token.Text)}, nil
	}
	switch s.Action {
	case sts.CredentialProcess:
		return app.process(ctx, s)
	case sts.CredentialSource:
		p, err := files.Profile(s.Profile)
		if err != nil {
			return sts.Credentials{}, err
		}
		return app.credentialSource(ctx, p, s)
	case sts.LoginSession:
		return app.loginSession(ctx, files, s)
	}
	st, err := app.holding(s.Profile)
	if err != nil {
		return sts.Credentials{}, err
	}
	key, err := keystore.GetUserKey(ctx, st, s.Profile)
	if errors.Is(err, keystore.ErrNotFound) {
		return sts.Credentials{}, &hintError{
			fmt.Errorf("profile %q: its access key is in the index but not in the keystore", s.Profile),
			"store it again with: " + app.name() + " add --overwrite " + word(s.Profile),
		}
	}
	if err != nil {
		return sts.Credentials{}, err
	}
	app.keepSeed(key)
	return sts.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}, nil
}

// flightFileOf is the lock of a step, by its hash or family.
func (app *App) flightFileOf(hash string) string {
	return filepath.Join(app.locks(), "step-"+hash+".lock")
}

// flightFile is the lock of the last step of a plan.
func (app *App) flightFile(p sts.Plan) string {
	last := len(p.Steps) - 1
	return app.flightFileOf(cmp.Or(p.Family(last), p.Hash(last)))
}

// flights returns what takes the lock of a step of a plan.
func (app *App) flights(r resolved) func(context.Context, string) (func(), error) {
	patience, pending := flightTimeout, func() bool { return false }
	if first := r.plan.Steps[0]; first.Action == sts.SSORoleCredentials {
		// Who has the lock may be waiting for a person to sign in.
		if session, err := app.sessionOf(r.files, first); err == nil {
			patience, pending = app.signInTimeout(), func() bool { return app.pending(session.ID()) }
		}
	}
	return func(ctx context.Context, hash string) (func(), error) {
		app.Arm()
		return app.flightAt(ctx, app.flightFileOf(hash), patience, pending)
	}
}

// wait waits for a lock that another vault has, and says so.
func (app *App) wait(ctx context.Context, path string, patience time.Duration) (func(), error) {
	if app.StderrTTY {
		app.note(fmt.Sprintf("waiting for another vault%s that gets the same credentials", holder(path)))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errFlight)
	defer cancel()
	unlock, err := keystore.Lock(ctx, path)
	if err != nil && errors.Is(context.Cause(ctx), errFlight) {
		return nil, &hintError{fmt.Errorf("another vault%s has been getting the same credentials for %s", holder(path), brief(patience)), "end it, or answer what it asks"}
	}
	return unlock, err
}

// holder names the process that has a lock, in a sentence; "" if that is not
// known.
func holder(path string) string {
	if pid := keystore.Holder(path); pid != 0 {
		return fmt.Sprintf(" (process %d)", pid)
	}
	return ""
}

const flightTimeout = 2 * time.Minute

var errFlight = errors.New("another vault gets the same credentials")

// hasten has the Secret Service make up its mind while the config is read, if
// the key to the cached sessions has to be had there: it takes 4 ms to agree on
// how secrets cross the bus.
func (app *App) hasten(ctx context.Context) {
	if key, ok := app.KernelKey(keystore.SealingKeyDescription(app.keysFile()), 0, mostRest).Load(ctx); ok {
		clear(key)
		return
	}
	if index, err := app.readIndex(); err != nil || index.Backend != config.BackendSecretService || !exists(app.sessionsFile()) {
		return
	}
	store, err := app.open(config.BackendSecretService)
	if err != nil {
		return // said when it is needed
	}
	if s, ok := store.(interface{ Begin(context.Context) }); ok {
		go s.Begin(ctx)
	}
}

// credentials gets what the profile's plan leads to.
func (app *App) credentials(ctx context.Context, name string, o sessionOptions, force bool) (resolved, target, error) {
	app.hasten(ctx)
	r, err := app.resolve(name, o.switchFlags)
	if err != nil && app.indexLost(err) {
		if err = app.repairIndex(ctx); err == nil {
			r, err = app.resolve(name, o.switchFlags)
		}
	}
	if err != nil {
		return resolved{}, target{}, err
	}
	if o.plan != nil {
		if r.plan, err = o.plan(r.plan); err != nil {
			return resolved{}, target{}, err
		}
	}
	// What cannot be read is said before a code is asked for.
	settings, err := app.ownSettings()
	if err != nil {
		return resolved{}, target{}, err
	}
	if err := app.writable(name, settings.For(name), o); err != nil {
		return resolved{}, target{}, err
	}
	if err := app.guard(ctx, name, account(r), settings.For(name), &o); err != nil {
		return resolved{}, target{}, err
	}
	run, err := app.runner(r, o, force)
	if err != nil {
		return resolved{}, target{}, err
	}
	creds, err := run.Run(ctx, r.plan)
	if err != nil && app.offerDevice(ctx, r, err) {
		if r, err = app.resolve(name, o.switchFlags); err != nil {
			return resolved{}, target{}, err
		}
		if run, err = app.runner(r, o, force); err != nil {
			return resolved{}, target{}, err
		}
		creds, err = run.Run(ctx, r.plan)
	}
	if err != nil {
		return resolved{}, target{}, err
	}
	return r, app.target(r, o, creds, settings), nil
}

// target returns what a switch to the credentials exports and shows.
func (app *App) target(r resolved, o sessionOptions, creds sts.Credentials, settings config.Settings) target {
	name := r.profile().Name
	return target{
		profile: name, creds: creds, region: app.regionOf(o.switchFlags, r.profile()),
		more: app.settings(r.profile(), r.files, app.current()), account: account(r),
		shown: settings.For(name), format: settings.Prompt,
		readOnly: r.plan.ReadOnly(), confirmed: o.confirmed, until: o.until,
	}
}
