package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/shellvault/vault/config"
	"github.com/shellvault/vault/shell"
)

// inside says what a switch has to do with the folder that the shell is in.
type inside struct {
	File   string    `json:"f"`           // the folder's file, quoted as in Go: paths are bytes
	Before *previous `json:"b,omitempty"` // what the shell had before it entered, nil for nothing
	Own    bool      `json:"o,omitempty"` // the user's own switch, which he keeps when he leaves
}

// in reports whether the switch belongs to the folder with that file.
func (s *state) in(file string) bool {
	return s != nil && s.Inside != nil && s.Inside.File == strconv.Quote(file)
}

// entered reports whether leaving a folder ends the switch.
func (s *state) entered() bool { return s != nil && s.Inside != nil && !s.Inside.Own }

// directory answers a shell that has come into another folder, or has begun in
// one: it enters the profile that the folder's file names, or has again what
// was there before. Nobody is asked; where a person is needed, one line says so.
func (h hook) directory(ctx context.Context) error {
	settings, err := h.ownSettings()
	if err != nil || !settings.Directories {
		return nil
	}
	old := h.current()
	if _, set := h.Env[stateVariable]; old == nil && set || old != nil && h.foreign(old) != "" {
		return nil // another version's, or the user's own by now
	}
	path, found := here(h.Home)
	if !found {
		return h.outside(ctx, old, "")
	}
	d, err := h.readDirectory(path)
	if err == nil && old.in(d.Real) {
		return nil
	}
	if err != nil {
		return h.outside(ctx, old, err.Error())
	}
	said, err := h.verdict(d)
	switch {
	case err != nil:
		return h.outside(ctx, old, err.Error())
	case said == deniedFile:
		return h.outside(ctx, old, "")
	case said == unknownFile:
		return h.outside(ctx, old, fmt.Sprintf("%s is not allowed: %s allow", tilde(path, h.Home), h.name()))
	}
	w, err := d.parse(h.Home)
	if err != nil {
		return h.outside(ctx, old, err.Error())
	}
	return h.enter(ctx, old, d, w)
}

// here returns the file of the folder that this process is in.
func here(home string) (path string, ok bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	return nearest(dir, home)
}

// enter switches to the profile that a folder's file names.
func (h hook) enter(ctx context.Context, old *state, d directory, w wish) error {
	shown := tilde(d.Path, h.Home)
	if old != nil && !old.entered() && old.Profile == w.Profile && (w.Region == "" || w.Region == old.Flags.Region) {
		return h.outside(ctx, old, "") // it is there already, and stays afterwards
	}
	flags := switchFlags{Region: w.Region}
	t, r, why := h.unasked(ctx, previous{w.Profile, flags}, old)
	use := h.name() + " use " + previous{w.Profile, flags}.words()
	if why != "" {
		return h.outside(ctx, old, fmt.Sprintf("%s names %s, and %s: %s", shown, w.Profile, why, use))
	}
	now := h.App.newState(r, t, flags)
	now.Inside = &inside{File: strconv.Quote(d.Real), Before: old.before()}
	now.Prev = old.previous()
	h.stopServerOf(old)
	h.handedOut("folder", r, t)
	return h.try(now, change(h.Env, old, t.variables(), now, nil), fmt.Sprintf("using %s, as %s says", h.until(t), shown),
		h.saying(fmt.Sprintf("%s names %s, and this shell does not take it: %s", shown, w.Profile, use)))
}

// before returns what the shell goes back to when it leaves the folder that it
// enters now.
func (s *state) before() *previous {
	switch {
	case s == nil:
		return nil
	case s.entered():
		return s.Inside.Before
	}
	return &previous{s.Profile, s.Flags}
}

// previous returns the switch as "use -" goes back to it, nil for none.
func (s *state) previous() *previous {
	if s == nil {
		return nil
	}
	return &previous{s.Profile, s.Flags}
}

// words are what to type behind use to be switched so again, as far as it is
// worth typing.
func (p previous) words() string {
	text := word(p.Profile)
	if p.Flags.Region != "" {
		text += " --region " + word(p.Flags.Region)
	}
	if p.Flags.ReadOnly {
		text += " --read-only"
	}
	if p.Flags.Serve {
		text += " --serve"
	}
	return text
}

// outside leaves the folder that the switch old belongs to, if it does, and
// says line.
func (h hook) outside(ctx context.Context, old *state, line string) error {
	say := func(text string) string {
		if line != "" {
			return text + "; " + line
		}
		return text
	}
	switch {
	case old == nil || old.Inside == nil:
		h.out.WriteString(h.saying(line))
		return nil
	case old.Inside.Own:
		// From now on it is like any other.
		now := *old
		now.Inside = nil
		return h.switched(old, &now, shell.Switch{ID: old.ID, Set: shell.Env{}}, line)
	case old.Inside.Before == nil:
		return h.leave(old, say("left "+old.Profile))
	}
	prev := *old.Inside.Before
	t, r, why := h.unasked(ctx, prev, old)
	if why != "" {
		return h.leave(old, say(fmt.Sprintf("left %s; before it was %s, and %s: %s use %s", old.Profile, prev.Profile, why, h.name(), prev.words())))
	}
	now := h.App.newState(r, t, prev.Flags)
	now.Prev = old.previous()
	h.stopServerOf(old)
	h.handedOut("folder", r, t)
	return h.switched(old, now, change(h.Env, old, t.variables(), now, nil), say("back to "+h.until(t)))
}

// saying is code that has the shell print a line, "" for none.
func (h hook) saying(line string) string {
	if line == "" {
		return ""
	}
	return h.dialect.Let(sayVariable, "vault: "+oneLine(line))
}

// unasked returns what a switch to p gets without a person, or why there is
// none.
func (h hook) unasked(ctx context.Context, p previous, old *state) (t target, r resolved, why string) {
	settings, err := h.ownSettings()
	switch {
	case err != nil:
		return target{}, resolved{}, err.Error()
	case settings.For(p.Profile).Protected:
		return target{}, resolved{}, "it is protected"
	case p.Flags.Serve:
		return target{}, resolved{}, "its credentials were served"
	case p.Flags.For != 0:
		return target{}, resolved{}, "that was for a time" // which would begin anew
	}
	if err := checkProfileName(p.Profile); err != nil {
		return target{}, resolved{}, err.Error()
	}
	r, err = h.resolve(p.Profile, p.Flags)
	if err != nil {
		var unknown *config.NotFoundError
		if errors.As(err, &unknown) {
			return target{}, resolved{}, "there is no such profile"
		}
		return target{}, resolved{}, err.Error()
	}
	// As a shell would be that has nothing of that profile.
	as := &state{Profile: p.Profile, Key: "-", Hash: r.plan.Hash(len(r.plan.Steps) - 1), rest: rest{ID: newID(), Flags: p.Flags}}
	if old != nil {
		as.ID, as.Was, as.Set = old.ID, old.Was, old.Set
	}
	t, ok := h.fetch(ctx, r, as, hookPatience)
	if ok {
		return t, r, ""
	}
	known, _ := h.readStamp(as.Hash)
	switch known.State {
	case stampMFA:
		return target{}, resolved{}, "an MFA code is needed"
	case stampLocked:
		return target{}, resolved{}, "the keystore is locked"
	case stampLogin:
		return target{}, resolved{}, "a sign-in is needed"
	}
	return target{}, resolved{}, "its credentials cannot be had now"
}

// insideOf says what an explicit switch to a profile has to do with the folder
// that the shell is in. It ends with the folder where it takes the place of
// what the folder's file has brought about, or is what that asks for. Any other
// is the user's own, and the folder leaves it alone.
func (app *App) insideOf(old *state, profile string) *inside {
	settings, err := app.ownSettings()
	if err != nil || !settings.Directories {
		return nil
	}
	path, ok := here(app.Home)
	if !ok {
		return nil
	}
	d, err := app.readDirectory(path)
	if err != nil {
		return nil
	}
	if said, err := app.verdict(d); err != nil || said != allowedFile {
		return nil
	}
	file := strconv.Quote(d.Real)
	if old.in(d.Real) && old.entered() {
		return &inside{File: file, Before: old.Inside.Before}
	}
	if w, err := d.parse(app.Home); err == nil && w.Profile == profile && (old == nil || old.Profile != profile) {
		return &inside{File: file, Before: old.before()}
	}
	return &inside{File: file, Own: true}
}
