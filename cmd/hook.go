package cmd

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
)

// Variables of the shells' hooks, not exported.
const (
	hookVariable = "__VAULT_HOOK" // KEY LOOK MARK: when to call again for the credentials KEY, and what the segment says
	sayVariable  = "__VAULT_SAY"  // the line to print when the shell may print
)

// The marks of hookVariable.
const (
	markNone     = "-"
	markTold     = "told"     // a person is needed, and has been told
	markRenewing = "renewing" // a renewal was started
	markForeign  = "foreign"  // the variables are not as the switch left them
)

// Times of the hook.
const (
	hookPatience = 3 * time.Second  // that a command waits for a renewal
	renewTimeout = 30 * time.Second // that a renewal may take
	hookRest     = 10 * time.Minute // until what cannot be helped is looked at again
)

// hookCommand is what the shells' hooks call when there is something to do;
// "hook renew" is the detached process that renews.
func (app *App) hookCommand() *cobra.Command {
	return &cobra.Command{
		Use: "hook prompt|exec|dir|renew [MARK]", Hidden: true, Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			app.unattended, app.Terminal = true, nobody{}
			switch {
			case args[0] == "renew":
				return app.renew(c.Context())
			case app.function == "":
				return usageErrorf("hook: the shell function calls this")
			}
			h := hook{App: app, exec: args[0] == "exec", mark: markNone}
			if len(args) > 1 && args[1] == markTold {
				h.mark = markTold
			}
			app.EvalMode()
			if args[0] == "dir" {
				return h.directory(c.Context())
			}
			return h.run(c.Context())
		},
	}
}

// A hook is one call by a shell's hook.
type hook struct {
	*App
	exec bool   // a command is about to run
	mark string // what the shell remembers
}

func (h hook) run(ctx context.Context) error {
	now, old := h.Now(), h.current()
	if old == nil {
		return h.answer("-", now.Add(hookRest), markNone, "")
	}
	if h.foreign(old) != "" {
		return h.answer(old.Key, now.Add(hookRest), markForeign, "")
	}
	if old.ended(now) {
		return h.end(ctx, old)
	}
	known, _ := h.readStamp(old.Hash)
	switch {
	case known.State == stampGone:
		return h.leave(old, fmt.Sprintf("left %s: its session was ended", old.Profile))
	case old.Due.IsZero():
		return h.answer(old.Key, now.Add(hookRest), h.mark, "")
	case now.Before(old.Due):
		return h.answer(old.Key, old.Due, h.mark, "")
	}
	if _, err := h.renewing(old); err != nil {
		return h.unconfirmed(old, err)
	}
	r, err := h.resolve(old.Profile, old.Flags)
	if err != nil {
		// The config is being edited, or the profile is gone from it.
		return h.answer(old.Key, now.Add(leastWait), h.mark, "")
	}
	wait := time.Duration(0)
	if h.exec && !now.Before(old.Least) {
		wait = hookPatience
	}
	t, ok := h.fetch(ctx, r, old, wait)
	if ok {
		return h.renewed(r, t, old)
	}
	known, _ = h.readStamp(old.Hash)
	switch {
	case known.needsPerson() && h.mark != markTold:
		return h.answer(old.Key, known.Next, markTold, h.needed(old, known))
	case known.waiting(now) && known.State != stampRenewing, known.State == stampOK && known.Key == old.Key && now.Before(known.Next):
		return h.answer(old.Key, known.Next, h.mark, "")
	case wait > 0:
		return h.answer(old.Key, now.Add(leastWait), h.mark, "") // it took too long
	}
	if h.mark == markTold {
		return h.answer(old.Key, now.Add(renewTimeout), markTold, "") // and is not told again
	}
	return h.answer(old.Key, now.Add(renewTimeout), markRenewing, "")
}

// fetch returns credentials of the plan that end later than those of the
// shell, from the cache. If there are none it has them renewed, once for all
// shells, and waits for that.
func (h hook) fetch(ctx context.Context, r resolved, old *state, wait time.Duration) (target, bool) {
	if t, ok := h.newer(ctx, r, old); ok {
		return t, true
	}
	known, _ := h.readStamp(old.Hash)
	if known.waiting(h.Now()) && (known.State != stampRenewing || wait == 0) {
		return target{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	ended, err := h.Detach([]string{"hook", "renew"}, h.detached(old))
	if err != nil || wait == 0 {
		return target{}, false
	}
	select {
	case <-ended:
	case <-ctx.Done():
		return target{}, false
	}
	// It may have left the work to another, which holds the lock until the
	// credentials lie in the cache.
	if unlock, err := keystore.Lock(ctx, h.flightFile(r.plan)); err == nil {
		unlock()
	}
	return h.newer(ctx, r, old)
}

// newer takes from the cache what the plan leads to, if it ends later than
// what the shell has.
func (h hook) newer(ctx context.Context, r resolved, old *state) (target, bool) {
	session, err := h.renewing(old)
	if err != nil {
		return target{}, false
	}
	run, err := h.runner(r, session, false)
	if err != nil {
		return target{}, false
	}
	got, ok, err := run.Cached(ctx, r.plan)
	if err != nil || !ok || got.AccessKeyID == old.Key || !got.Expires.After(old.Expires) {
		return target{}, false
	}
	settings, err := config.LoadSettings(h.settingsFile())
	return h.target(r, session, got, settings), err == nil
}

// detached is the environment of a process that works for a shell without it:
// the switch that it is about, no credentials, and nothing to ask a person by.
func (h hook) detached(s *state) shell.Env {
	env := shell.Env{}
	for name, value := range h.Env {
		if !slices.Contains(secret, name) && !slices.Contains(asking, name) && name != savedVariable {
			env[name] = value
		}
	}
	env[stateVariable] = s.String()
	return env
}

// asking are the variables by which programs find a screen, a browser or a
// terminal to ask on.
var asking = []string{"DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "GPG_TTY", "SSH_ASKPASS", "SUDO_ASKPASS"}

// renewed answers with new credentials.
func (h hook) renewed(r resolved, t target, old *state) error {
	now, want, keep := h.renewal(r, t, old)
	h.handedOut("renewal", r, t)
	return h.switched(old, now, change(h.Env, old, want, now, keep), "")
}

// needed is the line for the person who is needed.
func (h hook) needed(old *state, known stamp) string {
	return h.needs(old, map[string]string{
		stampMFA: "an MFA code is needed to renew it", stampLocked: "the keystore is locked", stampLogin: "a sign-in is needed to renew it",
	}[known.State])
}

func (h hook) needs(old *state, what string) string {
	ends := "ends at " + h.clock(old.Expires)
	if !h.Now().Before(old.Expires) {
		ends = "has expired"
	}
	return fmt.Sprintf("%s %s and %s: %s refresh", old.Profile, ends, what, h.name())
}

// end leaves a switch whose deadline is over, for the profile before it where
// nobody has to be asked for that.
func (h hook) end(ctx context.Context, old *state) error {
	over := fmt.Sprintf("the time for %s is over", old.Profile)
	if old.Flags.For != 0 && old.End.Equal(old.forEnd()) {
		over = fmt.Sprintf("the %s for %s are over", roughly(old.Flags.For), old.Profile)
	}
	if !old.Back || old.Prev == nil || old.Prev.Flags.Serve || old.Prev.Flags.Dynamic {
		return h.leave(old, over+": left")
	}
	prev := *old.Prev
	r, err := h.resolve(prev.Profile, prev.Flags)
	if err != nil {
		return h.leave(old, over+": left")
	}
	// As a shell would be that has nothing of that profile.
	as := &state{Profile: prev.Profile, Key: "-", Hash: r.plan.Hash(len(r.plan.Steps) - 1), rest: rest{ID: old.ID, Flags: prev.Flags, Was: old.Was, Set: old.Set}}
	var t target
	ok := false
	if _, err := h.renewing(as); err == nil {
		t, ok = h.fetch(ctx, r, as, hookPatience)
	}
	if !ok {
		return h.leave(old, fmt.Sprintf("%s: left; go on with: %s use %s", over, h.name(), word(prev.Profile)))
	}
	now := h.App.newState(r, t, prev.Flags)
	now.Prev, now.Inside = &previous{old.Profile, old.Flags}, old.Inside
	h.handedOut("return", r, t)
	return h.switched(old, now, change(h.Env, old, t.variables(), now, nil), fmt.Sprintf("%s: back to %s", over, prev.Profile))
}

// leave undoes the switch.
func (h hook) leave(old *state, line string) error {
	h.stopServerOf(old)
	return h.switched(old, nil, undo(h.Env, old), line)
}

// switched answers with a switch from old to now, nil for none. Where the shell
// refuses it, as for a readonly variable, it is not tried again soon.
func (h hook) switched(old, now *state, s shell.Switch, line string) error {
	return h.try(now, s, line, h.remember(old.Key, h.Now().Add(hookRest), markNone, ""))
}

// try answers with a switch to now, nil for none, and with what to do where the
// shell refuses it.
func (h hook) try(now *state, s shell.Switch, line, refused string) error {
	key := "-"
	if now != nil {
		s.Set[stateVariable] = now.String()
		key = now.Key
		h.stampSwitch(now)
	}
	_, s.Distrust = h.Env[savedVariable]
	code, err := h.dialect.Format(s)
	if err != nil {
		return err
	}
	h.out.WriteString(h.dialect.Either(code, h.remember(key, h.Now(), markNone, line), refused))
	return nil
}

// answer changes nothing.
func (h hook) answer(key string, look time.Time, mark, line string) error {
	h.out.WriteString(h.remember(key, look, mark, line))
	return nil
}

// remember tells the shell's hook when to call again for the credentials key,
// and what to say to the user, "" for nothing.
func (h hook) remember(key string, look time.Time, mark, line string) string {
	code := h.dialect.Let(hookVariable, fmt.Sprintf("%s %d %s", key, look.Unix(), mark))
	return code + h.saying(line)
}

// renew renews the credentials of the shell whose environment this process
// has, for all shells that use them: into the cache, and without asking
// anybody. Where another process is at it, it leaves that to it.
func (app *App) renew(ctx context.Context) error {
	s := app.current()
	if s == nil || s.ended(app.Now()) {
		return nil
	}
	app.Arm()
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	r, err := app.resolve(s.Profile, s.Flags)
	if err != nil {
		app.stampFailure(s, err)
		return nil
	}
	last := len(r.plan.Steps) - 1
	session, err := app.renewing(s)
	if err != nil {
		return nil // no matter of the other shells
	}
	run, err := app.runner(r, session, false)
	if err != nil {
		app.stampFailure(s, err)
		return nil
	}
	unlock, ok, err := keystore.TryLock(app.flightFile(r.plan))
	if err != nil || !ok {
		return nil
	}
	defer unlock()
	// The lock of the last step is held here.
	lock := run.Lock
	run.Lock = func(ctx context.Context, hash string) (func(), error) {
		if app.flightFileOf(hash) == app.flightFile(r.plan) {
			return func() {}, nil
		}
		return lock(ctx, hash)
	}
	known, ok := app.readStamp(s.Hash)
	if known.waiting(app.Now()) {
		return nil // another has just tried
	}
	if got, found, err := run.Cached(ctx, r.plan); err == nil && found && got.AccessKeyID == s.Key {
		run.Force = true
	}
	if !ok {
		known = stamp{Key: s.Key, Expires: s.Expires}
	}
	known.State, known.Next = stampRenewing, app.Now().Add(renewTimeout)
	app.writeStamp(s.Hash, known)
	got, err := run.Run(ctx, r.plan)
	if err == nil {
		err = app.keepUncached(ctx, r, run, got)
	}
	if known, ok := app.readStamp(s.Hash); ok && known.State == stampGone {
		return run.Cache.Drop(ctx, r.plan.Hash(last)) // somebody has logged out meanwhile
	}
	if err != nil {
		app.stampFailure(s, err)
		return nil
	}
	now := app.newState(r, target{profile: s.Profile, creds: got, readOnly: r.plan.ReadOnly(), until: session.until}, s.Flags)
	for _, hash := range slices.Compact([]string{s.Hash, r.plan.Hash(last)}) {
		app.writeStamp(hash, stamp{Key: now.Key, Expires: now.Expires, State: stampOK, Next: now.Due})
	}
	return nil
}

// keepUncached puts credentials into the cache that a runner does not keep,
// for the shells that wait for them.
func (app *App) keepUncached(ctx context.Context, r resolved, run *sts.Runner, got sts.Credentials) error {
	last := len(r.plan.Steps) - 1
	if old, ok, err := run.Cached(ctx, r.plan); ok && old.AccessKeyID == got.AccessKeyID || err != nil || got.Expires.IsZero() {
		return err
	}
	return run.Cache.Put(ctx, sts.Header{
		Hash: r.plan.Hash(last), Action: r.plan.Last().Action, Profile: r.plan.Profile, Account: r.plan.Pin.Account, Issued: got.Issued, Expires: got.Expires,
	}, got)
}
