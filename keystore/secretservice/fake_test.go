package secretservice

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

// A fake is a Secret Service that does what a test says, and otherwise what a
// good one does: it has one collection with one item, "one" under "key/a".
type fake struct {
	t       *testing.T
	bus     *sstest.Bus
	conn    *dbus.Conn
	session session

	mu      sync.Mutex
	scripts map[string]func(sstest.Call) fakeReply // by method
	calls   []sstest.Call
	locked  bool
	hides   bool // a locked collection hides its items
	asked   chan dbus.ObjectPath
}

const (
	fakeCollection = dbus.ObjectPath("/org/freedesktop/secrets/collection/fake")
	fakeItem       = fakeCollection + "/1"
	fakeDialog     = dbus.ObjectPath("/org/freedesktop/secrets/prompt/p1")
	fakeSession    = dbus.ObjectPath("/org/freedesktop/secrets/session/s1")
)

// A fakeReply is an answer, or nothing, or what the fake answers without a
// script.
type fakeReply struct {
	sstest.Reply
	silent, usual bool
}

var (
	usual   = fakeReply{usual: true}
	silence = fakeReply{silent: true}
)

func reply(body ...any) fakeReply { return fakeReply{Reply: sstest.Reply{Body: body}} }

func refusal(name, text string) fakeReply {
	return fakeReply{Reply: sstest.Reply{Error: name, Body: []any{text}}}
}

// startFake starts a fake on a bus of its own.
func startFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, bus: sstest.StartBus(t), scripts: map[string]func(sstest.Call) fakeReply{}, asked: make(chan dbus.ObjectPath, 16)}
	f.conn = f.bus.Connect()
	if _, err := f.conn.RequestName(serviceName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	sstest.Serve(f.conn, f.handle)
	return f
}

// on has script answer the calls of method. It runs by itself: other calls
// are answered meanwhile.
func (f *fake) on(method string, script func(sstest.Call) fakeReply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts[method] = script
}

// answers has the calls of method answered with these, the last again and
// again.
func (f *fake) answers(method string, replies ...fakeReply) {
	f.on(method, func(sstest.Call) fakeReply {
		f.mu.Lock()
		defer f.mu.Unlock()
		r := replies[0]
		if len(replies) > 1 {
			replies = replies[1:]
		}
		return r
	})
}

func (f *fake) setLocked(locked, hides bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locked, f.hides = locked, hides
}

// said returns the methods that were called, without those of the bus.
func (f *fake) said() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var methods []string
	for _, c := range f.calls {
		methods = append(methods, c.Method)
	}
	return methods
}

func (f *fake) wantCalls(method string, want int) {
	f.t.Helper()
	n := 0
	for _, m := range f.said() {
		if m == method {
			n++
		}
	}
	if n != want {
		f.t.Errorf("%d calls of %s, want %d: %s", n, method, want, f.said())
	}
}

// complete says to all that a dialog has ended.
func (f *fake) complete(path dbus.ObjectPath, dismissed bool) {
	f.t.Helper()
	if err := f.conn.Emit(path, prompt+"Completed", dismissed, dbus.MakeVariant([]dbus.ObjectPath{fakeItem})); err != nil {
		f.t.Error(err)
	}
}

// completeFor says it to the last caller alone, whatever he has subscribed to,
// as gnome-keyring does.
func (f *fake) completeFor(path dbus.ObjectPath, dismissed bool) {
	f.mu.Lock()
	caller := f.calls[len(f.calls)-1].Sender
	f.mu.Unlock()
	body := []any{dismissed, dbus.MakeVariant([]dbus.ObjectPath{fakeItem})}
	f.conn.Send(&dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(caller), dbus.FieldPath: dbus.MakeVariant(path),
		dbus.FieldInterface: dbus.MakeVariant(prompt[:len(prompt)-1]), dbus.FieldMember: dbus.MakeVariant("Completed"),
		dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(body...)),
	}}, nil)
}

func (f *fake) handle(c sstest.Call, answer func(sstest.Reply)) {
	f.mu.Lock()
	f.calls = append(f.calls, c)
	script := f.scripts[c.Method]
	f.mu.Unlock()
	go func() {
		r := usual
		if script != nil {
			r = script(c)
		}
		if r.usual {
			r = f.usual(c)
		}
		if !r.silent {
			answer(r.Reply)
		}
	}()
}

func (f *fake) usual(c sstest.Call) fakeReply {
	f.mu.Lock()
	defer f.mu.Unlock()
	none, items := []dbus.ObjectPath{}, []dbus.ObjectPath{fakeItem}
	isLocked := refusal("org.freedesktop.Secret.Error.IsLocked", "it is locked")
	switch c.Method {
	case "OpenSession":
		f.session = session{path: fakeSession}
		if c.Args[0] == "plain" {
			return reply(dbus.MakeVariant(""), fakeSession)
		}
		public, _ := c.Args[1].(dbus.Variant).Value().([]byte)
		for {
			pair := newKeyPair()
			key, short, err := pair.sessionKey(public)
			if err != nil {
				f.t.Error(err)
			}
			if !short { // or there would be a second session
				f.session.key = key
				return reply(dbus.MakeVariant(pair.public), fakeSession)
			}
		}
	case "SearchItems":
		switch key, some := c.Args[0].(map[string]string)["key"]; {
		case some && key != "key/a", f.locked && f.hides:
			return reply(none, none)
		case f.locked:
			return reply(none, items)
		}
		return reply(items, none)
	case "GetSecret":
		if f.locked {
			return isLocked
		}
		return reply(f.seal("one"))
	case "ReadAlias":
		return reply(fakeCollection)
	case "Get":
		switch c.Args[1] {
		case "Locked":
			return reply(dbus.MakeVariant(f.locked))
		case "Collections":
			return reply(dbus.MakeVariant([]dbus.ObjectPath{fakeCollection}))
		case "Label":
			return reply(dbus.MakeVariant("Fake"))
		case "Attributes":
			return reply(dbus.MakeVariant(map[string]string{"key": "key/a"}))
		}
	case "Unlock":
		return reply(none, fakeDialog)
	case "Prompt":
		f.asked <- c.Path
		return reply()
	case "SetSecret", "Delete", "CreateItem":
		switch {
		case f.locked:
			return isLocked
		case c.Method == "SetSecret":
			return reply()
		case c.Method == "Delete":
			return reply(noPath)
		}
		return reply(fakeItem, noPath)
	case "Lock":
		f.locked = true
		return reply(c.Args[0], noPath)
	case "Introspect":
		return reply(`<node><interface name="org.freedesktop.Secret.Service"/></node>`)
	case "Ping":
		return reply()
	}
	return refusal("org.freedesktop.DBus.Error.UnknownMethod", "no "+c.Method)
}

// seal returns value as the session has it. The caller holds mu.
func (f *fake) seal(value string) wireSecret {
	w := wireSecret{Session: f.session.path, Parameters: []byte{}, Value: []byte(value), ContentType: "text/plain"}
	if f.session.key != nil {
		var err error
		if w.Parameters, w.Value, err = encrypt(f.session.key, []byte(value)); err != nil {
			f.t.Error(err)
		}
	}
	return w
}

// dialogs has the n-th dialog answered by the n-th step.
func (f *fake) dialogs(steps ...func(path dbus.ObjectPath)) {
	go func() {
		for _, step := range steps {
			select {
			case path := <-f.asked:
				step(path)
			case <-f.t.Context().Done():
				return
			}
		}
	}()
}

// unlocks is a person who unlocks.
func (f *fake) unlocks(path dbus.ObjectPath) {
	f.setLocked(false, false)
	f.complete(path, false)
}

// The fake is a service that the store works with.
func TestFake(t *testing.T) {
	for _, plain := range []bool{false, true} {
		f := startFake(t)
		s := open(t, f.bus.Address, AskAnyhow)
		s.Plain = plain
		wantValue(t, s, "key/a", "one")
		mustSet(t, s, "key/a", "two")
		mustSet(t, s, "key/b", "two")
		wantKeys(t, s, "key/a")
		if err := s.Delete(t.Context(), "key/a"); err != nil {
			t.Error(err)
		}
		want := strings.Fields("OpenSession SearchItems GetSecret SearchItems SetSecret SearchItems ReadAlias Get ReadAlias CreateItem SearchItems Get SearchItems Delete")
		if got := f.said(); !slices.Equal(got, want) {
			t.Errorf("plain %v: calls %q, want %q", plain, got, want)
		}
		f.mu.Lock()
		for _, c := range f.calls {
			if c.Flags&dbus.FlagNoAutoStart == 0 {
				t.Errorf("%s could start a service", c.Method)
			}
		}
		f.mu.Unlock()
	}
}
