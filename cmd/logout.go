package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/shell"
	"github.com/shellvault/vault/sts"
)

func (app *App) logoutCommand() *cobra.Command {
	var all bool
	var flag string
	c := &cobra.Command{
		Use:   "logout [PROFILE]",
		Short: "end sessions and sign-ins, and leave",
		Long: `logout ends what leads to a profile's credentials without asking, and leaves
the profile: its cached sessions and those that they came from, its sign-in to
Identity Center, at AWS too, its servers, and what rests in the kernel of the
keystore. Without PROFILE it is the one of this shell. Other shells that use it
leave at their next prompt.

Stored keys stay, and so do sessions of AWS that programs have already: they end
by themselves. Off the net it logs out here and says so.`,
		Example:           "  vault logout\n  vault logout prod\n  vault logout --all",
		Args:              app.atMost(0, 1, "PROFILE"),
		ValidArgsFunction: app.completeProfile,
		RunE: func(c *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return usageErrorf("logout: --all and %q exclude each other", args[0])
			}
			return app.logout(c.Context(), strings.Join(args, ""), all, flag)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "out of everything: all sessions, sign-ins and servers")
	bindShell(c, &flag)
	app.completeFlags(c)
	return c
}

func (app *App) logout(ctx context.Context, name string, all bool, flag string) error {
	d, unloaded := app.evaluator("logout", flag)
	if unknown := new(shell.UnknownError); errors.As(unloaded, &unknown) { // --shell names it
		return unloaded
	}
	if unloaded == nil && app.function != "" && app.StdoutTTY {
		unloaded = errProtocol // a function from before there was logout
	}
	old := app.current()
	if name == "" && !all {
		if old == nil {
			return &hintError{errors.New("logout: no profile is in use in this shell"), "name one, or all: " + app.name() + " logout --all"}
		}
		name = old.Profile
	}
	app.Arm()
	if err := app.knows(name, old, all); err != nil {
		return err
	}
	errs := several{app.endSignIns(ctx, name, all), app.endSessions(ctx, name, old, all), app.endServers(name, all)}
	// As lock does: what opens the keystore without asking goes.
	errs = append(errs, app.KernelKey(keystore.DataKeyDescription(app.keysFile()), 0, 0).Drop())
	if err := errs.join(); err != nil {
		return err
	}
	said := "logged out of " + name
	if all {
		said = "logged out of everything"
	}
	leaves := old != nil && (all || old.Profile == name)
	if !leaves {
		app.note(said)
		return nil
	}
	if unloaded != nil {
		app.note(said + ", but for this shell, which keeps its variables until vault is loaded into it")
		return unloaded
	}
	s := undo(app.Env, old)
	s.Say = "vault: " + said
	if err := app.emit(d, s); err != nil {
		return err
	}
	app.stopServerOf(old)
	return nil
}

// knows is an error for a profile that is nowhere: neither in the config, nor
// in use, nor in the session cache, nor served. Its name is mistyped.
func (app *App) knows(name string, old *state, all bool) error {
	if all || old != nil && old.Profile == name {
		return nil
	}
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		return nil // said by what ends the sign-in
	}
	_, err = files.Profile(name)
	if none := new(config.NotFoundError); !errors.As(err, &none) {
		return nil
	}
	cached := slices.ContainsFunc(app.cache(app.sealingStore).Headers(), func(h sts.Header) bool { return h.Profile == name })
	served := slices.ContainsFunc(app.servers(), func(s serverRecord) bool { return s.Profile == name })
	if cached || served {
		return nil
	}
	return err
}

// endSignIns signs out of the Identity Center that a profile's credentials come
// from, or of all.
func (app *App) endSignIns(ctx context.Context, name string, all bool) error {
	var list []identityCenter
	files, err := config.Load(config.Locate(app.getenv, app.Home))
	if err != nil {
		// A config that cannot be read keeps nobody from logging out.
		app.note(err.Error())
		if files, err = config.Load(config.Paths{}); err != nil {
			return err
		}
	}
	if all {
		list = app.signIns(files)
	} else if at, err := profileCenter(files, name); err == nil {
		list = append(list, at)
	}
	var errs several
	for _, at := range list {
		err := app.signOut(ctx, at, true)
		untold := new(sts.CallError)
		switch {
		case err == nil:
		case errors.As(err, &untold): // it is forgotten here all the same
			app.report(err)
		case isKeystoreError(err):
			app.report(err)
			app.note(fmt.Sprintf("%s: the sign-in is forgotten here; at AWS it ends by itself", at.session))
			errs = append(errs, app.forgetSignIn(ctx, at))
		default:
			errs = append(errs, err)
		}
	}
	return errs.join()
}

// forgetSignIn forgets a sign-in that cannot be read, and so not be ended at
// AWS.
func (app *App) forgetSignIn(ctx context.Context, at identityCenter) error {
	t, err := app.tokens(nil, signInOptions{})
	if err != nil {
		return err
	}
	return t.Own.Drop(ctx, at.session)
}

// endSessions forgets cached sessions: all, or those of a profile and what they
// came from. Shells that use them learn of it by their stamps.
func (app *App) endSessions(ctx context.Context, name string, old *state, all bool) error {
	cache, known := app.cache(app.sealingStore), app.hashesOf(name, old)
	if all {
		known = app.stamped()
	}
	drop := func(h sts.Header) bool {
		return all || h.Profile == name || known[h.Hash] || known[h.Family]
	}
	app.stampGoneBy(ctx, cache.Headers(), drop)
	for hash := range known { // of what is not cached, too
		if s, ok := app.readStamp(hash); ok {
			s.State = stampGone
			app.writeStamp(hash, s)
		}
	}
	if _, err := cache.DropFunc(ctx, drop); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	return nil
}

// hashesOf returns the hashes of the steps to a profile's credentials, by its
// own settings and by the flags that this shell is switched to it with.
func (app *App) hashesOf(name string, old *state) map[string]bool {
	known := map[string]bool{}
	flags := []switchFlags{{}}
	if old != nil && old.Profile == name {
		known[old.Hash] = true
		flags = append(flags, old.Flags)
	}
	for _, f := range flags {
		r, err := app.resolve(name, f)
		if err != nil {
			continue // it is gone from the config: then its name has to do
		}
		for i := range r.plan.Steps {
			known[r.plan.Hash(i)] = true
			if family := r.plan.Family(i); family != "" {
				known[family] = true
			}
		}
	}
	return known
}

// stamped returns the hashes of all plans that shells know of.
func (app *App) stamped() map[string]bool {
	files, _ := filepath.Glob(filepath.Join(app.locks(), "*"+stampSuffix)) // its pattern is well formed
	known := map[string]bool{}
	for _, file := range files {
		if hash := strings.TrimSuffix(filepath.Base(file), stampSuffix); isHash(hash) {
			known[hash] = true
		}
	}
	return known
}

// endServers ends the servers of a profile, or all.
func (app *App) endServers(name string, all bool) error {
	var errs several
	for _, r := range app.servers() {
		if !all && r.Profile != name {
			continue
		}
		if err := unix.Kill(r.PID, unix.SIGTERM); err != nil && err != unix.ESRCH {
			errs = append(errs, fmt.Errorf("server %s of %q: %w", r.ID, r.Profile, err))
			continue
		}
		app.note(fmt.Sprintf("ended %s, which served %s", r.ID, r.Profile))
	}
	return errs.join()
}
