package secretservice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

// lockings are the two ways in which a collection of gnome-keyring is locked:
// of one that it had open it still knows the attributes of the items.
var lockings = map[string]func(*sstest.Daemon){
	"locked":                 (*sstest.Daemon).Lock,
	"locked since the start": (*sstest.Daemon).RestartLocked,
}

// lockedDaemon returns a daemon that holds "one" under "key/a", locked.
func lockedDaemon(t *testing.T, lock func(*sstest.Daemon)) *sstest.Daemon {
	t.Helper()
	d := sstest.StartDaemon(t)
	mustSet(t, open(t, d.Address, AskNobody), "key/a", "one")
	lock(d)
	return d
}

// Where nobody is to be asked, all that needs a secret says that it is locked,
// and nothing raises a dialog.
func TestLockedUnattended(t *testing.T) {
	for name, lock := range lockings {
		t.Run(name, func(t *testing.T) {
			d := lockedDaemon(t, lock)
			d.Prompt(func(sstest.Dialog) (string, bool) {
				t.Error("there was a dialog")
				return "", false
			})
			s := open(t, d.Address, AskNobody)
			s.Passphrase = func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
				t.Error("asked for a passphrase")
				return keystore.NewSecret(sstest.Passphrase), nil
			}
			wantState(t, s, keystore.Locked)
			for name, operation := range operations(s) {
				wantError(t, name, operation(t.Context()), keystore.ErrLocked, `collection "login"`)
			}
			wantError(t, "Unlock", s.Unlock(t.Context()), keystore.ErrLocked, `collection "login"`)
			if name == "locked" {
				wantKeys(t, s, "key/a")
			} else {
				_, err := s.Keys(t.Context())
				wantError(t, "Keys", err, keystore.ErrLocked, `collection "login"`)
			}
			// There may be an item that cannot be seen.
			_, err := s.Get(t.Context(), "key/b")
			wantError(t, "Get of what is not there", err, keystore.ErrLocked, `collection "login"`)
		})
	}
}

// An item in a collection other than the own one, which is locked while the
// own one is not: it is found all the same.
func TestLockedElsewhere(t *testing.T) {
	d := sstest.StartDaemon(t)
	other := open(t, d.Address, AskTerminal)
	other.Collection, other.Passphrase = "Other", answers("of the other")
	mustSet(t, other, "key/a", "one")
	d.Restart() // it unlocks login alone
	s := open(t, d.Address, AskNobody)
	for name, operation := range operations(s) {
		wantError(t, name, operation(t.Context()), keystore.ErrLocked, `collection "Other"`)
	}
	wantState(t, s, keystore.Locked)
	mustSet(t, s, "key/b", "two")

	s.Ask, s.Passphrase = AskTerminal, answers("of the other")
	wantKeys(t, s, "key/a", "key/b")
	wantValue(t, s, "key/a", "one")
	if err := s.Lock(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []dbus.ObjectPath{sstest.Login, "/org/freedesktop/secrets/collection/Other"} {
		if locked, err := s.client.locked(t.Context(), object{path, collection}); err != nil || !locked {
			t.Errorf("%s after Lock: locked %v, %v", path, locked, err)
		}
	}
}

// A dialog unlocks for all that follows, and a wrong passphrase is asked for
// again by the service.
func TestLockedDialog(t *testing.T) {
	for name, lock := range lockings {
		t.Run(name, func(t *testing.T) {
			d := lockedDaemon(t, lock)
			dialogs := 0
			d.Prompt(func(q sstest.Dialog) (string, bool) {
				if dialogs++; dialogs == 1 {
					return "wrong", true
				}
				return sstest.Passphrase, true
			})
			s := open(t, d.Address, AskAnyhow)
			wantKeys(t, s, "key/a")
			wantValue(t, s, "key/a", "one")
			mustSet(t, s, "key/b", "two")
			wantState(t, s, keystore.Unlocked)
			if err := s.Lock(); err != nil {
				t.Fatal(err)
			}
			wantState(t, s, keystore.Locked)
			if err := s.Unlock(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantState(t, s, keystore.Unlocked)
			if dialogs != 3 { // a wrong answer, a right one, one after Lock
				t.Errorf("%d dialogs, want 3", dialogs)
			}
		})
	}
}

// A dialog that is refused, or that no program can show.
func TestLockedRefused(t *testing.T) {
	for name, prompter := range map[string]func(*sstest.Daemon){
		"no prompter": func(*sstest.Daemon) {},
		"refused": func(d *sstest.Daemon) {
			d.Prompt(func(sstest.Dialog) (string, bool) { return "", false })
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := lockedDaemon(t, (*sstest.Daemon).Lock)
			prompter(d)
			s := open(t, d.Address, AskAnyhow)
			_, err := s.Get(t.Context(), "key/a")
			wantError(t, "Get", err, keystore.ErrLocked, `collection "login": locked: its dialog was refused, or there is no prompter`)

			// With a way to ask on the terminal, that is what comes next.
			s = open(t, d.Address, AskAnyhow)
			s.Passphrase = answers(sstest.Passphrase)
			wantValue(t, s, "key/a", "one")
		})
	}
}

// On the terminal: no dialog, three attempts, and the question names the
// collection as the user knows it.
func TestLockedPassphrase(t *testing.T) {
	for name, lock := range lockings {
		t.Run(name, func(t *testing.T) {
			d := lockedDaemon(t, lock)
			d.Prompt(func(sstest.Dialog) (string, bool) {
				t.Error("there was a dialog")
				return "", false
			})
			var asked []keystore.PassphraseRequest
			given := []string{"wrong", "", "Correct horse"}
			s := open(t, d.Address, AskTerminal)
			s.Passphrase = func(_ context.Context, ask keystore.PassphraseRequest) (keystore.Secret, error) {
				asked = append(asked, ask)
				return keystore.NewSecret(given[len(asked)-1]), nil
			}
			_, err := s.Get(t.Context(), "key/a")
			wantError(t, "Get", err, keystore.ErrPassphrase, `collection "login": wrong passphrase`)
			if got, want := fmt.Sprint(asked), "[{Login false 1} {Login false 2} {Login false 3}]"; got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
			// It was asked enough in this process.
			wantError(t, "Unlock", s.Unlock(t.Context()), keystore.ErrPassphrase, "")
			if len(asked) != 3 {
				t.Errorf("asked %d times", len(asked))
			}

			s = open(t, d.Address, AskTerminal)
			s.Passphrase = answers("wrong", sstest.Passphrase)
			wantKeys(t, s, "key/a")
			wantValue(t, s, "key/a", "one")
		})
	}
}

// A question on the terminal that is not answered.
func TestLockedNoAnswer(t *testing.T) {
	d := lockedDaemon(t, (*sstest.Daemon).Lock)
	why := fmt.Errorf("%w: vault runs in the background", keystore.ErrLocked)
	s := open(t, d.Address, AskTerminal)
	s.Passphrase = func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
		return keystore.Secret{}, why
	}
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, "Get", err, why, "in the background")

	ctx, cancel := context.WithCancel(t.Context())
	s = open(t, d.Address, AskTerminal)
	s.Passphrase = func(ctx context.Context, _ keystore.PassphraseRequest) (keystore.Secret, error) {
		cancel()
		return keystore.Secret{}, ctx.Err()
	}
	if _, err := s.Get(ctx, "key/a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get after ^C: %v", err)
	}
	s.Passphrase = nil
	_, err = s.Get(t.Context(), "key/a")
	wantError(t, "Get with no way to ask", err, keystore.ErrLocked, "no way to ask")
}

// openDialog gives up on an open dialog of gnome-keyring, and then checks that
// the daemon is well: giving up in the wrong way kills it.
func openDialog(t *testing.T, d *sstest.Daemon, giveUp func(s *Store, shown <-chan struct{})) {
	t.Helper()
	shown, done := make(chan struct{}, 1), make(chan struct{})
	t.Cleanup(func() { close(done) })
	d.Prompt(func(sstest.Dialog) (string, bool) {
		shown <- struct{}{}
		<-done
		return "", false
	})
	giveUp(open(t, d.Address, AskAnyhow), shown)
	s := open(t, d.Address, AskTerminal)
	s.Passphrase = answers(sstest.Passphrase)
	wantValue(t, s, "key/a", "one")
}

func TestLockedDialogGivenUp(t *testing.T) {
	d := lockedDaemon(t, (*sstest.Daemon).Lock)
	openDialog(t, d, func(s *Store, _ <-chan struct{}) {
		s.DialogTimeout = 300 * time.Millisecond
		_, err := s.Get(t.Context(), "key/a")
		wantError(t, "Get", err, keystore.ErrLocked, "nobody answered")
	})

	d = lockedDaemon(t, (*sstest.Daemon).Lock)
	openDialog(t, d, func(s *Store, shown <-chan struct{}) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-shown
			cancel()
		}()
		if _, err := s.Get(ctx, "key/a"); !errors.Is(err, context.Canceled) {
			t.Errorf("Get: %v", err)
		}
	})
}

// Somebody else unlocks while the dialog is open: gnome-keyring does not tell.
func TestLockedDialogUnlockedOtherwise(t *testing.T) {
	d := lockedDaemon(t, (*sstest.Daemon).Lock)
	openDialog(t, d, func(s *Store, shown <-chan struct{}) {
		go func() {
			<-shown
			other := open(t, d.Address, AskTerminal)
			other.Passphrase = answers(sstest.Passphrase)
			if err := other.Unlock(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		wantValue(t, s, "key/a", "one")
	})
}

// The daemon is killed while its dialog is open.
func TestLockedDialogKilled(t *testing.T) {
	d := lockedDaemon(t, (*sstest.Daemon).Lock)
	shown := make(chan struct{}, 1)
	d.Prompt(func(sstest.Dialog) (string, bool) {
		shown <- struct{}{}
		<-t.Context().Done()
		return "", false
	})
	go func() {
		<-shown
		d.Kill()
	}()
	s := open(t, d.Address, AskAnyhow)
	_, err := s.Get(t.Context(), "key/a")
	if !errors.Is(err, ErrNoService) && !errors.Is(err, ErrNoAnswer) || !strings.HasPrefix(err.Error(), "secret service: ") {
		t.Errorf("Get: %v", err)
	}
	d.Restart()
	wantValue(t, open(t, d.Address, AskNobody), "key/a", "one")
}
