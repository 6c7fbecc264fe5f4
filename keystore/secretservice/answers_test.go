package secretservice

import (
	"context"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

// Answers to OpenSession that are none: each is an error, and no secret is
// read or written.
func TestNoSession(t *testing.T) {
	public := func(b ...byte) fakeReply { return reply(dbus.MakeVariant(b), fakeSession) }
	tests := []struct {
		name   string
		answer fakeReply
		want   error
		text   string
	}{
		{name: "silence", answer: silence, want: ErrNoAnswer, text: "OpenSession"},
		{name: "not supported", answer: refusal("org.freedesktop.DBus.Error.NotSupported", "no"), want: ErrNoEncryption, text: `secret_service = "plain"`},
		{name: "nothing", answer: reply(), want: errForm, text: "OpenSession"},
		{name: "no session", answer: reply(dbus.MakeVariant([]byte{2})), want: errForm},
		{name: "the session /", answer: reply(dbus.MakeVariant([]byte{2}), noPath), want: errForm},
		{name: "text for a key", answer: reply(dbus.MakeVariant(""), fakeSession), want: errForm},
		{name: "a number for a key", answer: reply(uint32(2), fakeSession), want: errForm},
		{name: "an empty key", answer: public(), want: errPublicKey},
		{name: "the key 0", answer: public(0), want: errPublicKey},
		{name: "the key 1", answer: public(1), want: errPublicKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := startFake(t)
			f.answers("OpenSession", test.answer)
			s := open(t, f.bus.Address, AskAnyhow)
			if test.want == ErrNoAnswer {
				quick(s)
			}
			v, err := s.Get(t.Context(), "key/a")
			wantError(t, "Get", err, test.want, test.text)
			if !v.IsZero() {
				t.Error("Get has a value")
			}
			wantError(t, "Set", s.Set(t.Context(), "key/a", keystore.NewSecret("two")), test.want, test.text)
			f.wantCalls("GetSecret", 0)
			f.wantCalls("SetSecret", 0)
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, c := range f.calls {
				if c.Method == "OpenSession" && c.Args[0] != algorithmDH {
					t.Errorf("it fell back to %q", c.Args[0])
				}
			}
		})
	}
}

// A service that drops the zeros a shared secret begins with has another key
// than we then: such a session is replaced, and nothing is sent through it.
func TestShortSecret(t *testing.T) {
	f := startFake(t)
	sessions := 0
	f.on("OpenSession", func(c sstest.Call) fakeReply {
		if sessions++; sessions > 1 {
			return usual
		}
		public, _ := c.Args[1].(dbus.Variant).Value().([]byte)
		return reply(dbus.MakeVariant(shortSecret(t, public)), fakeSession+"0")
	})
	s := open(t, f.bus.Address, AskAnyhow)
	wantValue(t, s, "key/a", "one")
	mustSet(t, s, "key/a", "two")
	f.wantCalls("OpenSession", 2)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c.Method == "GetSecret" && c.Args[0] != fakeSession {
			t.Errorf("a secret went through session %s", c.Args[0])
		}
	}
}

// shortSecret returns a public key with which the secret that is shared with
// the other one begins with a zero.
func shortSecret(t *testing.T, other []byte) []byte {
	t.Helper()
	private := big.NewInt(2000)
	p := newPeer(t, private.Int64())
	y := new(big.Int).SetBytes(other)
	shared, public := new(big.Int).Exp(y, private, p.prime), new(big.Int).Exp(big.NewInt(2), private, p.prime)
	for shared.BitLen() > (groupSize-1)*8 {
		shared.Mul(shared, y).Mod(shared, p.prime)
		public.Lsh(public, 1).Mod(public, p.prime)
	}
	return public.Bytes()
}

// Answers to GetSecret that hold no secret: each is an error, and none the
// empty secret.
func TestNoSecret(t *testing.T) {
	tests := []struct {
		name   string
		answer func(wireSecret) fakeReply // of the right one
		want   error
	}{
		{name: "wrong padding", answer: func(w wireSecret) fakeReply { w.Value[len(w.Value)-1] ^= 0x55; return reply(w) }, want: errDecrypt},
		{name: "empty", answer: func(w wireSecret) fakeReply { w.Value = []byte{}; return reply(w) }, want: errDecrypt},
		{name: "cut", answer: func(w wireSecret) fakeReply { w.Value = w.Value[:7]; return reply(w) }, want: errDecrypt},
		{name: "in clear", answer: func(w wireSecret) fakeReply { w.Parameters, w.Value = []byte{}, []byte("one"); return reply(w) }, want: errDecrypt},
		{name: "no iv", answer: func(w wireSecret) fakeReply { w.Parameters = []byte{}; return reply(w) }, want: errDecrypt},
		{name: "nothing", answer: func(wireSecret) fakeReply { return reply() }, want: errForm},
		{name: "text", answer: func(wireSecret) fakeReply { return reply("one") }, want: errForm},
		{name: "another struct", answer: func(wireSecret) fakeReply {
			return reply(struct{ A, B string }{"one", "two"})
		}, want: errForm},
		{name: "silence", answer: func(wireSecret) fakeReply { return silence }, want: ErrNoAnswer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := startFake(t)
			f.on("GetSecret", func(sstest.Call) fakeReply {
				f.mu.Lock()
				defer f.mu.Unlock()
				return test.answer(f.seal("one"))
			})
			s := open(t, f.bus.Address, AskAnyhow)
			if test.want == ErrNoAnswer {
				quick(s)
			}
			v, err := s.Get(t.Context(), "key/a")
			wantError(t, "Get", err, test.want, "")
			if errors.Is(err, keystore.ErrNotFound) || !v.IsZero() {
				t.Errorf("value %q, error %v", v.Reveal(), err)
			}
		})
	}
}

// Other answers of a wrong form.
func TestWrongForm(t *testing.T) {
	for _, method := range []string{"SearchItems", "ReadAlias", "CreateItem", "Delete", "Get"} {
		for name, answer := range map[string]fakeReply{
			"nothing": reply(), "text": reply("x", "y"), "numbers": reply(1, 2), "variants": reply(dbus.MakeVariant(1), dbus.MakeVariant(2)),
		} {
			f := startFake(t)
			f.answers(method, answer)
			s := open(t, f.bus.Address, AskAnyhow)
			var err error
			switch method {
			case "CreateItem", "ReadAlias":
				err = s.Set(t.Context(), "key/b", keystore.NewSecret("two"))
			case "Delete":
				err = s.Delete(t.Context(), "key/a")
			default:
				_, err = s.Keys(t.Context())
			}
			wantError(t, method+" answered with "+name, err, errForm, "")
		}
	}
}

// What the service says about an error is told on one line, after what it was
// about.
func TestRefused(t *testing.T) {
	f := startFake(t)
	f.answers("SetSecret", refusal("org.freedesktop.DBus.Error.Failed", "disk\nfull"))
	err := open(t, f.bus.Address, AskAnyhow).Set(t.Context(), "key/a", keystore.NewSecret("two"))
	if want := "secret service: SetSecret was refused: disk full (org.freedesktop.DBus.Error.Failed)"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

// A service that answers a search only after a dialog of its own, as KeePassXC
// does, is waited for as long as it shows that it lives.
func TestSearchAfterDialog(t *testing.T) {
	f := startFake(t)
	answer := make(chan struct{})
	f.on("SearchItems", func(sstest.Call) fakeReply {
		<-answer
		return usual
	})
	s := open(t, f.bus.Address, AskAnyhow)
	s.limits.call, s.limits.alive = 200*time.Millisecond, hang
	told := 0
	s.Dialog = func() { told++ }
	pings := 0
	f.on("Ping", func(sstest.Call) fakeReply {
		if pings++; pings == 2 {
			close(answer)
		}
		return reply()
	})
	wantValue(t, s, "key/a", "one")
	if told != 1 {
		t.Errorf("told %d times of the dialog, want once", told)
	}

	// Not waited for: it is dead, or the user has had enough.
	f.answers("SearchItems", silence)
	f.answers("Ping", silence)
	_, err := quick(open(t, f.bus.Address, AskAnyhow)).Get(t.Context(), "key/a")
	wantError(t, "Get of a dead service", err, ErrNoAnswer, "Ping")

	ctx, cancel := context.WithCancel(t.Context())
	f.on("Ping", func(sstest.Call) fakeReply {
		cancel()
		return reply()
	})
	if _, err := s.Get(ctx, "key/a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get after ^C: %v", err)
	}
}

// A service all of whose collections are locked may raise a dialog when it is
// searched: where nobody is to be asked it is not searched.
func TestNoSearchUnattended(t *testing.T) {
	f := startFake(t)
	f.setLocked(true, true)
	for _, ask := range []Ask{AskNobody, AskTerminal} {
		s := open(t, f.bus.Address, ask)
		for name, operation := range operations(s) {
			wantError(t, name, operation(t.Context()), keystore.ErrLocked, `collection "fake"`)
		}
		_, err := s.Keys(t.Context())
		wantError(t, "Keys", err, keystore.ErrLocked, "")
		wantState(t, s, keystore.Locked)
	}
	wantState(t, open(t, f.bus.Address, AskAnyhow), keystore.Locked)
	for _, method := range []string{"SearchItems", "Unlock", "Prompt"} {
		f.wantCalls(method, 0)
	}
}

// An item that vanishes between two calls is looked for again.
func TestVanishedItem(t *testing.T) {
	gone := refusal("org.freedesktop.DBus.Error.UnknownMethod", "Object does not exist")
	for _, method := range []string{"GetSecret", "SetSecret", "Delete"} {
		f := startFake(t)
		f.answers(method, gone, usual)
		s := open(t, f.bus.Address, AskAnyhow)
		operation := map[string]func(context.Context) error{
			"GetSecret": operations(s)["Get"], "SetSecret": operations(s)["Set"], "Delete": operations(s)["Delete"],
		}[method]
		if err := operation(t.Context()); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		f.wantCalls("SearchItems", 2)

		// It is still listed each time: then it is not right to say that
		// there is none.
		f.answers(method, gone)
		err := operation(t.Context())
		wantError(t, method, err, errGone, "")
		if errors.Is(err, keystore.ErrNotFound) {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// The session is lost with a service that was restarted, and the connection
// with a bus that was: what was idle meanwhile begins anew.
func TestLostSession(t *testing.T) {
	f := startFake(t)
	s := open(t, f.bus.Address, AskAnyhow)
	wantValue(t, s, "key/a", "one")
	lost := refusal("org.freedesktop.Secret.Error.NoSession", "The session does not exist")
	f.answers("GetSecret", lost, usual)
	wantValue(t, s, "key/a", "one")
	f.wantCalls("OpenSession", 2)

	// A service that knows no session at all is not asked for ever.
	f.answers("GetSecret", lost)
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, "Get", err, errNoSession, "")
	if n := len(f.said()); n > 30 {
		t.Errorf("%d calls", n)
	}
}

// A write that was sent is waited for, so that ^C does not leave it open what
// has become of it.
func TestCancelledWrite(t *testing.T) {
	f := startFake(t)
	s := open(t, f.bus.Address, AskAnyhow)
	ctx, cancel := context.WithCancel(t.Context())
	f.on("SetSecret", func(sstest.Call) fakeReply {
		cancel()
		return reply()
	})
	if err := s.Set(ctx, "key/a", keystore.NewSecret("two")); err != nil {
		t.Errorf("Set: %v", err)
	}
}
