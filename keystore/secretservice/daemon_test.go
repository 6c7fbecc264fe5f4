package secretservice

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/shellvault/vault/keystore"
	"github.com/shellvault/vault/keystore/keystoretest"
	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

// A Store can stand in for the sealed file.
var _ interface {
	keystore.Store
	Unlock(context.Context) error
	Lock() error
} = (*Store)(nil)

func TestStore(t *testing.T) {
	daemon := sstest.StartDaemon(t)
	for _, test := range []struct {
		name  string
		plain bool
		ask   Ask
	}{
		{name: "encrypted", ask: AskAnyhow},
		{name: "plain", plain: true, ask: AskAnyhow},
		{name: "unattended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			keystoretest.TestStore(t, func(t *testing.T) keystore.Store {
				s := open(t, daemon.Address, test.ask)
				s.Plain, s.application = test.plain, t.Name()
				return s
			})
		})
	}
}

// items returns the items of s that hold key, as its own search finds them.
func items(t *testing.T, d *sstest.Daemon, s *Store, key string) []dbus.ObjectPath {
	t.Helper()
	var unlocked, locked []dbus.ObjectPath
	call := d.Connect().Object(serviceName, servicePath).Call(service+"SearchItems", 0, s.attributes(key))
	if err := call.Store(&unlocked, &locked); err != nil {
		t.Fatal(err)
	}
	return append(unlocked, locked...)
}

// A write changes the item in its place, wherever that is, and it is named
// for a person.
func TestInPlace(t *testing.T) {
	d := sstest.StartDaemon(t)
	s := open(t, d.Address, AskTerminal)
	s.Passphrase = answers("of the other")
	s.Collection = "Other keys"
	mustSet(t, s, "key/a\nb", "one")
	before := items(t, d, s, "key/a\nb")
	if len(before) != 1 || collectionOf(before[0]) == sstest.Login {
		t.Fatalf("items %s", before)
	}
	for _, collection := range []string{"", "Other keys", "login", "Yet others"} {
		s := open(t, d.Address, AskNobody)
		s.Collection = collection
		mustSet(t, s, "key/a\nb", "two "+collection)
		wantValue(t, s, "key/a\nb", "two "+collection)
		if after := items(t, d, s, "key/a\nb"); len(after) != 1 || after[0] != before[0] {
			t.Errorf("collection %q: items %s, want %s", collection, after, before)
		}
	}
	conn := d.Connect()
	for name, want := range map[string]any{
		"Label":      "vault: key/a?b",
		"Attributes": map[string]string{"xdg:schema": "io.github.shellvault.Key", "application": "shellvault", "key": "key/a\nb"},
	} {
		v, err := conn.Object(serviceName, before[0]).GetProperty(item + name)
		if got := fmt.Sprint(v.Value()); err != nil || got != fmt.Sprint(want) {
			t.Errorf("%s is %s, %v, want %v", name, got, err, want)
		}
	}
}

// A configured collection is made once, and never where nobody can be asked.
func TestConfiguredCollection(t *testing.T) {
	d := sstest.StartDaemon(t)
	s := open(t, d.Address, AskNobody)
	s.Collection = "Other"
	err := s.Set(t.Context(), "key/a", keystore.NewSecret("one"))
	wantError(t, "Set", err, ErrNoCollection, `"Other" is not there`)

	s.Ask = AskAnyhow // there is no prompter
	wantError(t, "Set", s.Set(t.Context(), "key/a", keystore.NewSecret("one")), ErrNoCollection, "refused, or there is no prompter")
	if paths, err := s.client.collections(t.Context()); err != nil || len(paths) != 2 {
		t.Errorf("collections %s, %v", paths, err)
	}

	var asked []keystore.PassphraseRequest
	s.Passphrase = func(_ context.Context, ask keystore.PassphraseRequest) (keystore.Secret, error) {
		asked = append(asked, ask)
		return keystore.NewSecret(strings.Repeat("x", len(asked)-1)), nil // first an empty one
	}
	mustSet(t, s, "key/a", "one")
	mustSet(t, s, "key/b", "two")
	if got, want := fmt.Sprint(asked), "[{Other true 1} {Other true 2}]"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if in := collectionOf(items(t, d, s, "key/b")[0]); !strings.HasSuffix(string(in), "/Other") {
		t.Errorf("the item is in %s", in)
	}

	// By a dialog, for many that need it at once.
	d.Prompt(func(q sstest.Dialog) (string, bool) { return "chosen", q.New })
	s = open(t, d.Address, AskAnyhow)
	s.Collection = "Third one"
	var wg sync.WaitGroup
	for _, key := range []string{"key/c", "key/d", "key/e", "key/f"} {
		wg.Go(func() {
			if err := s.Set(t.Context(), key, keystore.NewSecret("three")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if a, b := collectionOf(items(t, d, s, "key/c")[0]), collectionOf(items(t, d, s, "key/d")[0]); a != b || a == sstest.Login {
		t.Errorf("the items are in %s and %s", a, b)
	}
	if paths, err := s.client.collections(t.Context()); err != nil || len(paths) != 4 {
		t.Errorf("collections %s, %v", paths, err)
	}
}

// Two items with one key: the one in the own collection counts, a write
// changes both, and Delete removes both.
func TestDuplicates(t *testing.T) {
	d := sstest.StartDaemon(t)
	other := open(t, d.Address, AskTerminal)
	other.Collection, other.Passphrase = "A", answers("of the other")
	mustSet(t, other, "key/a", "one")
	conn := d.Connect()
	s := open(t, d.Address, AskNobody)
	twin := func(value string) {
		t.Helper()
		c, err := newClient(t.Context(), d.Address, true, true, s.times())
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		with, err := c.awaitSession(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := with.seal(keystore.NewSecret(value))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.create(t.Context(), c, "key/a", sealed); err != nil {
			t.Fatal(err)
		}
	}
	twin("two")
	if n := len(items(t, d, s, "key/a")); n != 2 {
		t.Fatalf("%d items", n)
	}
	wantValue(t, s, "key/a", "two")
	wantValue(t, other, "key/a", "one")
	wantKeys(t, s, "key/a")
	// Without either, the first by name: A comes before login.
	third := open(t, d.Address, AskNobody)
	third.Collection = "none"
	wantValue(t, third, "key/a", "one")

	mustSet(t, s, "key/a", "three")
	wantValue(t, s, "key/a", "three")
	wantValue(t, other, "key/a", "three")

	// Which one counts does not depend on what is locked.
	twin("four")
	if err := conn.Object(serviceName, servicePath).Call(service+"Lock", 0, []dbus.ObjectPath{sstest.Login}).Err; err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), "key/a")
	wantError(t, "Get of the locked one", err, keystore.ErrLocked, `collection "login"`)
	wantState(t, s, keystore.Locked)
	d.Prompt(func(sstest.Dialog) (string, bool) { return sstest.Passphrase, true })
	s.Ask = AskAnyhow
	wantValue(t, s, "key/a", "four")
	if err := s.Delete(t.Context(), "key/a"); err != nil {
		t.Fatal(err)
	}
	if left := items(t, d, s, ""); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
}

// What was acknowledged is there after the daemon was killed, whether it was
// new or changed in its place.
func TestKilledDaemon(t *testing.T) {
	d := sstest.StartDaemon(t)
	s := open(t, d.Address, AskNobody)
	for round := range 5 {
		mustSet(t, s, "key/changed", fmt.Sprint(round))
		mustSet(t, s, fmt.Sprint("key/new", round), fmt.Sprint(round))
		d.Kill()
		_, err := s.Get(t.Context(), "key/changed")
		wantError(t, "Get without a daemon", err, ErrNoService, "nobody offers it")
		d.Restart()
		wantValue(t, s, "key/changed", fmt.Sprint(round))
		wantValue(t, s, fmt.Sprint("key/new", round), fmt.Sprint(round))
	}
}

// A default collection that is forgotten at logout.
func TestVolatileCollection(t *testing.T) {
	d := sstest.StartDaemon(t)
	if err := Probe(t.Context(), d.Address); err != nil {
		t.Errorf("Probe: %v", err)
	}
	if err := d.Connect().Object(serviceName, servicePath).Call(service+"SetAlias", 0, "default", volatile).Err; err != nil {
		t.Fatal(err)
	}
	s := open(t, d.Address, AskAnyhow)
	for _, s.Collection = range []string{"", "session"} {
		wantError(t, "Set", s.Set(t.Context(), "key/a", keystore.NewSecret("one")), ErrNoCollection, `"session" is forgotten at logout`)
		wantState(t, s, keystore.Absent)
		wantKeys(t, s)
	}
	wantError(t, "Probe", Probe(t.Context(), d.Address), ErrNoCollection, `"session" is forgotten at logout`)
}

// answers is a person who gives these passphrases, the last again and again.
func answers(passphrases ...string) func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
	var n atomic.Int32
	return func(context.Context, keystore.PassphraseRequest) (keystore.Secret, error) {
		i := min(int(n.Add(1)), len(passphrases)) - 1
		return keystore.NewSecret(passphrases[i]), nil
	}
}
