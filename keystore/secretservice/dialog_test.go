package secretservice

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

// lockedFake returns a fake whose item is locked, and a store.
func lockedFake(t *testing.T) (*fake, *Store) {
	t.Helper()
	f := startFake(t)
	f.setLocked(true, false)
	return f, open(t, f.bus.Address, AskAnyhow)
}

// All that can happen to a dialog.
func TestDialog(t *testing.T) {
	tests := []struct {
		name string
		do   func(f *fake, dialog dbus.ObjectPath) // while it is open
		want error                                 // nil: the secret is read
		text string
	}{
		{name: "answered", do: func(f *fake, dialog dbus.ObjectPath) { f.unlocks(dialog) }},
		{name: "refused", do: func(f *fake, dialog dbus.ObjectPath) { f.complete(dialog, true) },
			want: keystore.ErrLocked, text: `collection "fake": locked: its dialog was refused, or there is no prompter`},
		{name: "another dialog ends", do: func(f *fake, dialog dbus.ObjectPath) {
			f.completeFor(dialog+"2", true)
			f.setLocked(false, false)
			f.completeFor(dialog, false)
		}},
		{name: "unlocked otherwise", do: func(f *fake, _ dbus.ObjectPath) { f.setLocked(false, false) }},
		{name: "it is not true", do: func(f *fake, dialog dbus.ObjectPath) { f.complete(dialog, false) },
			want: keystore.ErrLocked, text: "although it says"},
		{name: "no result", do: func(f *fake, dialog dbus.ObjectPath) {
			if err := f.conn.Emit(dialog, prompt+"Completed"); err != nil {
				f.t.Error(err)
			}
		}, want: errForm, text: "Completed"},
		{name: "the service goes away", do: func(f *fake, _ dbus.ObjectPath) { f.conn.Close() },
			want: ErrNoService, text: "while its dialog was open"},
		{name: "the bus goes away", do: func(f *fake, _ dbus.ObjectPath) { f.bus.Kill() },
			want: errLost, text: "its dialog was open"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, s := lockedFake(t)
			told := 0
			s.Dialog = func() { told++; test.do(f, fakeDialog) }
			v, err := s.Get(t.Context(), "key/a")
			if test.want != nil {
				wantError(t, "Get", err, test.want, test.text)
			} else if err != nil || v.Reveal() != "one" {
				t.Errorf("Get: %q, %v", v.Reveal(), err)
			}
			if errors.Is(err, keystore.ErrNotFound) {
				t.Error("what is locked was not found")
			}
			if told != 1 {
				t.Errorf("told %d times of the dialog, want once", told)
			}
			f.wantCalls("Prompt", 1)
			f.wantCalls("Dismiss", 0)
		})
	}
}

// Nobody answers the dialog.
func TestDialogTimeout(t *testing.T) {
	f, s := lockedFake(t)
	s.DialogTimeout = 300 * time.Millisecond
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, "Get", err, keystore.ErrLocked, "nobody answered")
	f.wantCalls("Prompt", 1)
	f.wantCalls("Dismiss", 0)
}

// ^C while the dialog is open.
func TestDialogCancelled(t *testing.T) {
	f, s := lockedFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.dialogs(func(dbus.ObjectPath) { cancel() })
	if _, err := s.Get(ctx, "key/a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
	f.wantCalls("Dismiss", 0)

	// It was no answer: the next one is asked again.
	f.dialogs(f.unlocks)
	wantValue(t, s, "key/a", "one")
}

// The dialog ends before the call that raised it returns.
func TestDialogAtOnce(t *testing.T) {
	f, s := lockedFake(t)
	f.on("Prompt", func(c sstest.Call) fakeReply {
		f.unlocks(c.Path)
		return reply()
	})
	s.limits.poll = time.Hour // or it would be unlocked otherwise
	wantValue(t, s, "key/a", "one")
}

// A service that unlocks without a dialog.
func TestNoDialog(t *testing.T) {
	f, s := lockedFake(t)
	f.on("Unlock", func(c sstest.Call) fakeReply {
		f.setLocked(false, false)
		return reply(c.Args[0], noPath)
	})
	wantValue(t, s, "key/a", "one")
	f.wantCalls("Prompt", 0)
}

// One command raises one dialog, whatever the answer.
func TestOneDialog(t *testing.T) {
	f, s := lockedFake(t)
	f.dialogs(func(path dbus.ObjectPath) { f.complete(path, true) })
	for range 3 {
		for name, operation := range operations(s) {
			wantError(t, name, operation(t.Context()), keystore.ErrLocked, "refused")
		}
	}
	wantError(t, "Unlock", s.Unlock(t.Context()), keystore.ErrLocked, "refused")
	f.wantCalls("Prompt", 1)
}

// Where nobody is to be asked there is no dialog, and an answer at once.
func TestAskNobody(t *testing.T) {
	f, s := lockedFake(t)
	s.Ask = AskNobody
	s.Passphrase = func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
		t.Error("asked on the terminal")
		return keystore.Secret{}, keystore.ErrLocked
	}
	f.on("Get", func(c sstest.Call) fakeReply { // as gnome-keyring: a collection that is always unlocked
		if c.Args[1] == "Collections" {
			return reply(dbus.MakeVariant([]dbus.ObjectPath{fakeCollection, volatile}))
		}
		if c.Path == volatile {
			return reply(dbus.MakeVariant(false))
		}
		return usual
	})
	for name, operation := range operations(s) {
		wantError(t, name, operation(t.Context()), keystore.ErrLocked, `collection "fake"`)
	}
	wantError(t, "Unlock", s.Unlock(t.Context()), keystore.ErrLocked, `collection "fake"`)
	wantState(t, s, keystore.Locked)
	wantKeys(t, s, "key/a")
	f.wantCalls("Unlock", 0)
	f.wantCalls("Prompt", 0)
}

// A locked collection may hide its items: nothing is "not found" before it is
// unlocked.
func TestHiddenItem(t *testing.T) {
	f, s := lockedFake(t)
	f.setLocked(true, true)
	f.dialogs(f.unlocks)
	wantValue(t, s, "key/a", "one")

	f, s = lockedFake(t)
	f.setLocked(true, true)
	f.dialogs(f.unlocks)
	if _, err := s.Get(t.Context(), "key/b"); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("Get of what is not there: %v", err)
	}
	f.wantCalls("Prompt", 1)
}

// An item that is said to be unlocked and is not: KeePassXC asks for each item
// whether this program may have it.
func TestLockedMeanwhile(t *testing.T) {
	for _, method := range []string{"GetSecret", "SetSecret", "Delete", "CreateItem"} {
		f := startFake(t)
		asked := make(chan struct{})
		f.on(method, func(sstest.Call) fakeReply {
			select {
			case <-asked:
				return usual
			default:
				f.setLocked(true, false)
				return refusal("org.freedesktop.Secret.Error.IsLocked", "it is locked")
			}
		})
		f.dialogs(func(path dbus.ObjectPath) {
			close(asked)
			f.unlocks(path)
		})
		s := open(t, f.bus.Address, AskAnyhow)
		var err error
		switch method {
		case "GetSecret":
			_, err = s.Get(t.Context(), "key/a")
		case "SetSecret":
			err = s.Set(t.Context(), "key/a", keystore.NewSecret("two"))
		case "Delete":
			err = s.Delete(t.Context(), "key/a")
		case "CreateItem":
			err = s.Set(t.Context(), "key/b", keystore.NewSecret("two"))
		}
		if err != nil {
			t.Errorf("%s: %v", method, err)
		}
		f.wantCalls(method, 2)
		f.wantCalls("Prompt", 1)
	}
}

// A service with nothing open cannot say what there is: KeePassXC without a
// database.
func TestNothingOpen(t *testing.T) {
	f := startFake(t)
	f.answers("ReadAlias", reply(noPath))
	f.answers("SearchItems", reply([]dbus.ObjectPath{}, []dbus.ObjectPath{}))
	f.on("Get", func(c sstest.Call) fakeReply {
		if c.Args[1] == "Collections" {
			return reply(dbus.MakeVariant([]dbus.ObjectPath{}))
		}
		return refusal("org.freedesktop.DBus.Error.UnknownObject", "no collection")
	})
	for _, ask := range []Ask{AskNobody, AskTerminal, AskAnyhow} {
		s := open(t, f.bus.Address, ask)
		for name, operation := range operations(s) {
			wantError(t, name, operation(t.Context()), ErrNoCollection, "no default one")
		}
		_, err := s.State(t.Context())
		wantError(t, "State", err, ErrNoCollection, "no default one")
		want := 0
		if ask == AskAnyhow {
			want = 3 // it may ask which to open
		}
		f.wantCalls("SearchItems", want)
	}
}

// Of two items one is removed and the other has vanished: then it is removed.
func TestDeleteVanished(t *testing.T) {
	f := startFake(t)
	none := []dbus.ObjectPath{}
	f.answers("SearchItems", reply([]dbus.ObjectPath{fakeItem, fakeItem + "2"}, none), reply(none, none))
	f.answers("Delete", reply(noPath), refusal("org.freedesktop.Secret.Error.NoSuchObject", "gone"))
	if err := open(t, f.bus.Address, AskAnyhow).Delete(t.Context(), "key/a"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	f.wantCalls("Delete", 2)
}

// What takes a dialog of its own: KeePassXC asks before it deletes.
func TestDialogOfWrite(t *testing.T) {
	for _, method := range []string{"Delete", "CreateItem"} {
		f := startFake(t)
		f.on(method, func(c sstest.Call) fakeReply {
			if method == "Delete" {
				return reply(fakeDialog)
			}
			return reply(noPath, fakeDialog)
		})
		write := func(s *Store) error {
			if method == "Delete" {
				return s.Delete(t.Context(), "key/a")
			}
			return s.Set(t.Context(), "key/b", keystore.NewSecret("two"))
		}
		f.dialogs(
			func(path dbus.ObjectPath) { f.complete(path, false) },
			func(path dbus.ObjectPath) { f.complete(path, true) },
		)
		if err := write(open(t, f.bus.Address, AskAnyhow)); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		wantError(t, method, write(open(t, f.bus.Address, AskAnyhow)), errDismissed, "refused")
		wantError(t, method, write(open(t, f.bus.Address, AskNobody)), keystore.ErrLocked, "nobody to ask")
		f.wantCalls("Prompt", 2)
	}
}

// A service that takes no passphrases: nobody is asked for one.
func TestNoPassphrases(t *testing.T) {
	for _, ask := range []Ask{AskAnyhow, AskTerminal} {
		f, s := lockedFake(t)
		s.Ask = ask
		s.Passphrase = func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
			t.Error("asked for a passphrase that is of no use")
			return keystore.Secret{}, keystore.ErrLocked
		}
		f.on("Get", func(c sstest.Call) fakeReply {
			if c.Args[1] == "Collections" {
				return reply(dbus.MakeVariant([]dbus.ObjectPath{volatile}))
			}
			if c.Path == volatile {
				return reply(dbus.MakeVariant(false))
			}
			return usual
		})
		f.dialogs(func(path dbus.ObjectPath) { f.complete(path, true) })
		_, err := s.Get(t.Context(), "key/a")
		wantError(t, "Get", err, keystore.ErrLocked, "")
	}
}

// Lock locks what holds our items, and nothing else.
func TestLock(t *testing.T) {
	f := startFake(t)
	s := open(t, f.bus.Address, AskNobody)
	if err := s.Lock(); err != nil {
		t.Fatal(err)
	}
	wantState(t, s, keystore.Locked)
	f.wantCalls("Lock", 1)
	if err := s.Lock(); err != nil {
		t.Errorf("second Lock: %v", err)
	}
	f.wantCalls("Lock", 1)

	f = startFake(t)
	f.answers("Lock", reply([]dbus.ObjectPath{}, noPath))
	wantError(t, "Lock that does nothing", open(t, f.bus.Address, AskNobody).Lock(), nil, "stays unlocked")
}
