package secretservice

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/godbus/dbus/v5"
)

// finish runs the dialog that the i-th part of an answer names, if any.
func (s *Store) finish(ctx context.Context, c *client, a answer, i int) error {
	var question dbus.ObjectPath
	if err := part(a, i, &question); err != nil || question == noPath {
		return err
	}
	end, _, err := s.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer end()
	if _, err = s.runDialog(ctx, c, question, nil); errors.Is(err, errDismissed) {
		return &Error{Err: err}
	}
	return err
}

// runDialog has the service ask a person, and returns what comes of it.
// Watched, if not nil, is what the dialog unlocks: it may be unlocked
// otherwise. A dialog that is refused, or for which there is no prompter, is
// errDismissed.
//
// It never calls Prompt.Dismiss: gnome-keyring 42 aborts on it. Closing the
// connection takes the dialog away as well.
func (s *Store) runDialog(ctx context.Context, c *client, question dbus.ObjectPath, watched *object) (dbus.Variant, error) {
	if s.Ask != AskAnyhow {
		return dbus.Variant{}, &Error{Err: errDialog}
	}
	signals := make(chan *dbus.Signal, 16)
	c.conn.Signal(signals)
	defer c.conn.RemoveSignal(signals)
	// Before the dialog, or its end could be missed. The rules go with the
	// connection.
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(serviceName), dbus.WithMatchObjectPath(question), dbus.WithMatchInterface(prompt[:len(prompt)-1]), dbus.WithMatchMember("Completed")},
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, serviceName)},
	} {
		limited, cancel := context.WithTimeout(ctx, c.limits.call)
		err := c.conn.AddMatchSignalContext(limited, match...)
		cancel()
		if err != nil {
			return dbus.Variant{}, cause(ctx, "AddMatch", err)
		}
	}
	if _, err := c.read(ctx, question, prompt+"Prompt", ""); err != nil {
		return dbus.Variant{}, err
	}
	if s.Dialog != nil {
		s.Dialog()
	}
	result, err := c.awaitCompleted(ctx, question, watched, signals)
	if err != nil && !errors.Is(err, errDismissed) {
		c.close()
	}
	return result, err
}

// awaitCompleted waits for the end of a dialog, in whatever way it ends.
func (c *client) awaitCompleted(ctx context.Context, question dbus.ObjectPath, watched *object, signals <-chan *dbus.Signal) (dbus.Variant, error) {
	timeout := time.NewTimer(c.limits.dialog)
	defer timeout.Stop()
	// Of several clients that ask for one collection gnome-keyring tells one
	// when it is unlocked, and none when it is unlocked otherwise.
	poll := time.NewTicker(c.limits.poll)
	defer poll.Stop()
	unlocked := make(chan bool, 1)
	looking := false
	for {
		select {
		case signal, ok := <-signals:
			if !ok {
				return dbus.Variant{}, &Error{Err: errLost, Reason: "its dialog was open"}
			}
			switch {
			case signal.Name == "org.freedesktop.DBus.NameOwnerChanged" && len(signal.Body) == 3 && signal.Body[0] == serviceName:
				return dbus.Variant{}, &Error{Err: ErrNoService, Reason: "it went away while its dialog was open"}
			case signal.Name == prompt+"Completed" && signal.Path == question:
				end := answer{"Completed", signal.Body}
				var dismissed bool
				var result dbus.Variant
				err := cmp.Or(part(end, 0, &dismissed), part(end, 1, &result))
				if err == nil && dismissed {
					err = errDismissed
				}
				return result, err
			}
		case <-poll.C:
			if watched != nil && !looking {
				looking = true
				go func() {
					locked, err := c.locked(ctx, *watched)
					unlocked <- err == nil && !locked
				}()
			}
		case done := <-unlocked:
			if looking = false; done {
				return dbus.Variant{}, nil
			}
		case <-timeout.C:
			return dbus.Variant{}, &Error{Err: errUnanswered}
		case <-ctx.Done():
			return dbus.Variant{}, ctx.Err()
		}
	}
}
