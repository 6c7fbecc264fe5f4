package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shellvault/vault/config"
)

// A guardError reports a switch that takes a person.
type guardError struct {
	profile string
	why     string
	process bool // it is asked for by a line of the config
	err     error
}

func (e *guardError) Error() string {
	return fmt.Sprintf("profile %q %s", e.profile, e.why)
}

func (e *guardError) Unwrap() error { return e.err }

// hint returns what to type; name calls vault.
func (e *guardError) hint(name string) string {
	switch {
	case e.process:
		return "if programs may have it without a person, write so: credential_process = vault credential-process " + word(e.profile) + " --yes"
	case errors.Is(e.err, errNoTerminal):
		return "run it in a terminal, or confirm with --yes"
	}
	return "type " + word(e.profile) + " when " + name + " asks for it"
}

// guard makes sure that a person stands behind the credentials of a profile
// that is protected, and bounds how long they live: o.confirmed and o.until are
// set. Who has confirmed before is not asked again until max_duration is over.
// Without protection max_duration counts from the switch.
func (app *App) guard(ctx context.Context, name, account string, s config.ProfileSettings, o *sessionOptions) error {
	now := app.Now().Truncate(time.Second)
	if !o.confirmed.IsZero() && (s.MaxDuration == 0 || now.Before(o.confirmed.Add(s.MaxDuration))) {
		o.until = endOf(o.confirmed, s)
		return nil
	}
	if !s.Protected && !o.confirmed.IsZero() && app.unattended {
		return &guardError{profile: name, why: fmt.Sprintf("was switched to for %s, and that is over", brief(s.MaxDuration)), err: errNoTerminal}
	}
	if s.Protected && !o.yes {
		if s.Account != "" && s.Account != account {
			account = strings.TrimSpace(s.Account + " " + account)
		}
		if err := app.confirm(ctx, name, account, o.process); err != nil {
			return err
		}
		now = app.Now().Truncate(time.Second)
	}
	if s.Protected || s.MaxDuration != 0 {
		o.confirmed = now
		o.until = endOf(now, s)
	}
	return nil
}

// endOf returns when a switch is over that was confirmed at a time; zero for
// never.
func endOf(confirmed time.Time, s config.ProfileSettings) time.Time {
	if s.MaxDuration == 0 {
		return time.Time{}
	}
	return confirmed.Add(s.MaxDuration)
}

// renewing returns the flags of a renewal of the switch s, which nobody is
// asked for. It fails where a person has to confirm it.
func (app *App) renewing(s *state) (sessionOptions, error) {
	o := sessionOptions{switchFlags: s.Flags}
	settings, err := app.ownSettings()
	if err != nil {
		return o, err
	}
	guarded := settings.For(s.Profile)
	o.confirmed = s.confirmed()
	if o.confirmed.IsZero() && guarded.MaxDuration != 0 && !guarded.Protected {
		o.confirmed = app.Now().Truncate(time.Second)
	}
	if !o.confirmed.IsZero() {
		o.until = endOf(o.confirmed, guarded)
	}
	over := !o.until.IsZero() && !app.Now().Before(o.until)
	if over || guarded.Protected && o.confirmed.IsZero() {
		return o, &guardError{profile: s.Profile, why: "has to be confirmed", err: errNoTerminal}
	}
	return o, nil
}

// writable refuses to lift what the config says of a profile.
func (app *App) writable(name string, s config.ProfileSettings, o sessionOptions) error {
	if s.ReadOnly && !o.ReadOnly && o.typed != nil && o.typed.Changed("read-only") {
		return usageErrorf("--read-only=false: profile %q is read_only in %s", name, tilde(app.settingsFile(), app.Home))
	}
	return nil
}

// bound has a switch end when t says.
func (s *state) bound(t target) {
	if !t.confirmed.IsZero() {
		s.Confirmed = t.confirmed.Unix()
	}
	if t.until.IsZero() {
		return
	}
	s.End = t.until
	if s.Expires.IsZero() || s.Expires.Before(s.End.Add(-boundTolerance)) {
		return
	}
	// They were made to last until the end: there is nothing to renew. Clocks
	// that differ may have cut them short.
	s.Due, s.Least = time.Time{}, time.Time{}
	if s.Expires.Before(s.End) {
		s.End = s.Expires
	}
}

// boundTolerance is by how much credentials may end before the switch does.
const boundTolerance = time.Minute

// endFor has the switch end at the deadline of --for, if that comes first.
func (s *state) endFor(end time.Time) {
	if end.IsZero() {
		return
	}
	s.ForEnd = end.Unix()
	if s.End.IsZero() || end.Before(s.End) {
		s.End = end
	}
}

// confirmed returns when a person confirmed the switch, zero if none did.
func (s *state) confirmed() time.Time {
	if s.Confirmed == 0 {
		return time.Time{}
	}
	return time.Unix(s.Confirmed, 0).UTC()
}

// forEnd returns the deadline of --for, zero if there is none.
func (s *state) forEnd() time.Time {
	if s.ForEnd == 0 {
		return time.Time{}
	}
	return time.Unix(s.ForEnd, 0).UTC()
}

// unconfirmed answers where err says why a switch cannot be renewed without a
// person, who is told once.
func (h hook) unconfirmed(old *state, err error) error {
	var guarded *guardError
	switch {
	case !errors.As(err, &guarded):
		// The config is being edited.
		return h.answer(old.Key, h.Now().Add(leastWait), h.mark, "")
	case h.mark == markTold:
		return h.answer(old.Key, h.Now().Add(hookRest), markTold, "")
	}
	return h.answer(old.Key, h.Now().Add(hookRest), markTold, h.needs(old, "it has to be confirmed"))
}
