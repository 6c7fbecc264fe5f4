package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/sts"
	"github.com/shellvault/vault/sts/sso"
)

// ssoClient returns what speaks to Identity Center as the profile wants it, nil
// for none.
func (app *App) ssoClient(p *config.Profile, files *config.Files, caller sso.Caller) *sso.Client {
	options := app.clientOptions(p)
	c := &sso.Client{Caller: caller, Now: app.Now, FIPS: options.FIPS, Dual: options.DualStack}
	c.OIDC, _ = config.Endpoint(app.getenvBefore, p, files, "sso_oidc")
	c.Portal, _ = config.Endpoint(app.getenvBefore, p, files, "sso")
	return c
}

// tokens returns what gives tokens of Identity Center. o are the flags of a
// sign-in that may be needed.
func (app *App) tokens(client *sso.Client, o signInOptions) (*sso.Tokens, error) {
	settings, err := app.ownSettings()
	if err != nil {
		return nil, err
	}
	shared := sso.Shared{Dir: filepath.Join(app.Home, ".aws", "sso", "cache")}
	sealed := app.sealedTokens()
	t := &sso.Tokens{
		Client: client, Now: app.Now, Own: sealed, Other: shared, Lock: app.signInLock, Note: app.note,
		Prompt: func(ctx context.Context, s sso.Session) (sso.Prompt, func(), error) {
			return app.signInPrompt(ctx, s, o)
		},
	}
	if settings.SSOCache == config.SSOCacheShared {
		t.Own, t.Other = shared, sealed
	}
	return t, nil
}

// sealedTokens is vault's own file of tokens.
func (app *App) sealedTokens() *sso.Sealed {
	x := &sso.Sealed{Path: app.tokensFile(), Now: app.Now}
	cache := app.cache(app.sealingStore)
	x.Rest = func(until time.Time) {
		cache.Rest(later(until, lastSession(cache)))
	}
	x.Key = func(ctx context.Context) ([]byte, error) {
		key, err := cache.Key(ctx)
		var none *fs.PathError
		if !errors.As(err, &none) || !errors.Is(err, errNoKeystore) || app.mayAsk() == AskNobody {
			return key, err
		}
		// Nothing keeps a key without a keystore here: a sign-in is worth one.
		return app.newSealingKey(ctx)
	}
	return x
}

func lastSession(cache *sts.Cache) (last time.Time) {
	for _, h := range cache.Headers() {
		last = later(last, h.Expires)
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// newSealingKey makes the sealing key in the keystore that new keys go to, and
// pins that.
func (app *App) newSealingKey(ctx context.Context) ([]byte, error) {
	c, err := app.choose()
	if err != nil {
		return nil, err
	}
	store, err := app.open(c.backend)
	if err != nil {
		return nil, err
	}
	key, err := keystore.SealingKey(ctx, store, nil, filepath.Join(app.locks(), "sealing-key.lock"))
	if err != nil {
		return nil, err
	}
	err = keystore.UpdateIndex(ctx, app.indexFile(), func(x *keystore.Index) error {
		if x.Backend == "" {
			x.Backend = c.backend
		}
		return nil
	})
	return key, err
}

func (app *App) tokensFile() string {
	return filepath.Join(app.folder("XDG_CACHE_HOME", ".cache"), "tokens")
}

// ssoToken returns an access token for a step.
func (app *App) ssoToken(ctx context.Context, r resolved, client *sso.Client, s sts.Step, refused keystore.Secret) (keystore.Secret, error) {
	app.Arm()
	session, err := app.sessionOf(r.files, s)
	if err != nil {
		return keystore.Secret{}, err
	}
	t, err := app.tokens(client, signInOptions{profile: r.profile().Name})
	if err != nil {
		return keystore.Secret{}, err
	}
	return t.Get(ctx, session, refused)
}

// sessionOf returns the session of a step's profile.
func (app *App) sessionOf(files *config.Files, s sts.Step) (sso.Session, error) {
	p, err := files.Profile(s.Profile)
	if err != nil {
		return sso.Session{}, err
	}
	c, err := files.SSO(p)
	if err != nil || c == nil {
		return sso.Session{}, err
	}
	return sso.SessionOf(c), nil
}

// signInNeeded reports whether a person would be asked to sign in for a step;
// looking asks nobody and reads no secret.
func (app *App) signInNeeded(r resolved, s sts.Step) bool {
	session, err := app.sessionOf(r.files, s)
	if err != nil {
		return false
	}
	t, err := app.tokens(nil, signInOptions{})
	if err != nil {
		return false
	}
	for _, store := range []sso.Store{t.Own, t.Other} {
		info, ok := store.Peek(session)
		// What another program keeps is not renewed by this one.
		if store == t.Other {
			info.Refreshable = false
		}
		if ok && !info.Asks(app.Now()) {
			return false
		}
	}
	return true
}

// pendingFile tells others that a person is being asked to sign in: whoever
// cannot ask shall not wait for that.
func (app *App) pendingFile(id string) string {
	return filepath.Join(app.locks(), "sign-in-"+id+".pending")
}

// pending reports whether a person is being asked just now. What a process
// left that was killed does not count: its lock is free.
func (app *App) pending(id string) bool {
	if !exists(app.pendingFile(id)) {
		return false
	}
	unlock, ok, err := keystore.TryLock(app.signInLockFile(id))
	if ok {
		_ = os.Remove(app.pendingFile(id))
		unlock()
	}
	return err == nil && !ok
}

func (app *App) signInLockFile(id string) string {
	return filepath.Join(app.locks(), "sign-in-"+id+".lock")
}

var errPending = errors.New("a person is being asked to sign in")

// signInLock takes the lock of a session.
func (app *App) signInLock(ctx context.Context, id string) (func(), error) {
	return app.flightAt(ctx, app.signInLockFile(id), app.signInTimeout(), func() bool { return app.pending(id) })
}

// signInTimeout is how long to wait for another process that has the lock of a
// session: it may be waiting for a person.
func (app *App) signInTimeout() time.Duration {
	if app.browses() {
		return signInPatience
	}
	return flightTimeout
}

// signInPatience is a little longer than a person has to sign in.
const signInPatience = 11 * time.Minute

// flightAt takes a lock. Where nobody can be asked it does not wait for one
// that is held while a person is.
func (app *App) flightAt(ctx context.Context, path string, patience time.Duration, pending func() bool) (func(), error) {
	unlock, ok, err := keystore.TryLock(path)
	if err != nil || ok {
		return unlock, err
	}
	if app.browses() {
		return app.wait(ctx, path, patience)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		tick := time.NewTicker(pendingTick)
		defer tick.Stop()
		for !pending() {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		cancel(errPending)
	}()
	unlock, err = app.wait(ctx, path, patience)
	if err != nil && errors.Is(context.Cause(ctx), errPending) {
		err = &hintError{fmt.Errorf("%w: %w", errNoTerminal, errPending), "finish it in the browser, and try again"}
	}
	return unlock, err
}

// pendingTick is how often a waiting process looks whether a person is asked.
const pendingTick = 50 * time.Millisecond
