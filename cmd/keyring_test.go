package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shellvault/vault/keystore/secretservice/sstest"
)

// keyring makes a world on a desktop with a gnome-keyring.
func keyring(t *testing.T) (*world, *sstest.Daemon) {
	t.Helper()
	d := sstest.StartDaemon(t)
	w := newWorld(t)
	w.env["DBUS_SESSION_BUS_ADDRESS"] = d.Address
	delete(w.env, "AWS_VAULT_FILE_PASSPHRASE")
	return w, d
}

func (w *world) has(name string) bool {
	_, err := os.Lstat(filepath.Join(w.home, name))
	return err == nil
}

const (
	sealedFile = ".local/share/vault/keys"
	indexFile  = ".local/share/vault/index.json"
)

// check compares a result: want is what stderr has to contain.
func (r result) check(t *testing.T, what string, code int, want ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("%s: status %d, want %d\n%s", what, r.code, code, r.stderr)
	}
	for _, text := range want {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("%s: stderr lacks %q:\n%s", what, text, r.stderr)
		}
	}
}

// TestKeyring goes the main way with the Secret Service, which is chosen by
// itself and pinned.
func TestKeyring(t *testing.T) {
	w, d := keyring(t)
	w.store("simple")
	if w.has(sealedFile) {
		t.Error("there is a sealed file")
	}
	if !strings.Contains(w.read(indexFile), `"backend": "secret-service"`) {
		t.Errorf("not pinned: %s", w.read(indexFile))
	}
	w.vault("export", "simple", "--format", "json").check(t, "export", 0)
	w.vault("export", "plain", "--format", "json").check(t, "export of a role", 0)

	// Warm commands need neither the bus nor the keyring, and lists never do.
	d.Kill()
	w.vault("export", "plain", "--format", "json").check(t, "warm, keyring gone", 0)
	for _, args := range [][]string{{"list"}, {"explain", "plain"}, {"__complete", "remove", ""}} {
		if r := w.vault(args...); r.code != 0 || !strings.Contains(r.stdout, "simple") {
			t.Errorf("%s: %+v", args, r)
		}
	}
	// What needs the key says what is missing, and nothing goes elsewhere.
	w.vault("export", "simple", "--format", "json", "--no-session").check(t, "no keyring", 4, "secret service: nobody offers it", "hint: start a keyring")
	w.run(w.keyID+"\n"+w.secret+"\n", w.environ(), binary, "add", "other", "--stdin", "--no-verify").check(t, "add, no keyring", 4, "secret service")
	w.run("", w.environ("DBUS_SESSION_BUS_ADDRESS"), binary, "export", "simple", "--no-session", "--format", "json").check(t, "no bus", 4, "no session bus")
	if w.has(sealedFile) || strings.Contains(w.read(indexFile), "other") {
		t.Error("a key went elsewhere")
	}
	d.Restart()
	w.vault("export", "simple", "--format", "json", "--no-session").check(t, "keyring back", 0)
}

// TestKeyringNone begins where there is no Secret Service.
func TestKeyringNone(t *testing.T) {
	bus := sstest.StartBus(t)
	w := newWorld(t)
	add := func(profile string, changes ...string) result {
		return w.run(w.keyID+"\n"+w.secret+"\n", w.environ(changes...), binary, "add", profile, "--stdin", "--no-verify")
	}
	add("simple", "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent").check(t, "no bus", 0, "keys are kept in ~/"+sealedFile)
	add("bastion", "DBUS_SESSION_BUS_ADDRESS="+bus.Address).check(t, "pinned", 0)
	// A keyring that comes later moves nothing.
	d := sstest.StartDaemon(t)
	add("plain", "DBUS_SESSION_BUS_ADDRESS="+d.Address).check(t, "pinned, with a keyring", 0, sealedFile)
	if strings.Contains(w.read(indexFile), "secret-service") {
		t.Errorf("the pin moved: %s", w.read(indexFile))
	}
}

// TestKeyringLocked has nobody to ask.
func TestKeyringLocked(t *testing.T) {
	w, d := keyring(t)
	w.store("simple")
	d.RestartLocked()
	for _, args := range [][]string{
		{"export", "simple", "--format", "json", "--no-session"}, {"remove", "simple", "--yes"}, {"unlock"},
	} {
		r := w.vault(args...)
		r.check(t, strings.Join(args, " "), 4, "locked")
		if strings.Contains(r.stderr, "not in the keystore") || strings.Contains(r.stderr, "no access key") {
			t.Errorf("%s: locked is not missing: %s", args, r.stderr)
		}
	}
	if !strings.Contains(w.read(indexFile), "simple") {
		t.Error("the index forgot the key")
	}
}

// TestPTYKeyring unlocks on a terminal: by a dialog, and where there is none by
// the passphrase; ^C changes nothing.
func TestPTYKeyring(t *testing.T) {
	w, d := keyring(t)
	w.store("simple")
	d.RestartLocked()
	c := w.console(t, setup{shell: "bash"})
	const question = `Passphrase of the keyring "`
	before := c.environ()
	c.line("vault use simple")
	c.expect(question)
	c.send("\x03")
	c.prompt()
	if c.status != 130 {
		t.Errorf("^C: status %d", c.status)
	}
	c.same(before, c.environ(), "after ^C")
	c.echoes()
	c.line("vault use simple")
	c.expect(question)
	c.line("not it")
	c.expect("wrong passphrase")
	c.expect(question)
	c.line(sstest.Passphrase)
	c.prompt()
	if c.status != 0 {
		t.Errorf("unlocked: status %d", c.status)
	}
	c.run("vault off")

	d.Lock()
	var dialogs atomic.Int32
	d.Prompt(func(sstest.Dialog) (string, bool) {
		dialogs.Add(1)
		return sstest.Passphrase, true
	})
	// What a program runs raises no dialog.
	w.run("", w.environ("DISPLAY=:7"), binary, "credential-process", "simple", "--no-session").check(t, "credential-process", 4, "locked")
	if n := dialogs.Load(); n != 0 {
		t.Errorf("credential-process raised %d dialogs", n)
	}
	c.run("vault refresh --force || vault use simple --no-session")
	if n := dialogs.Load(); c.status != 0 || n != 1 {
		t.Errorf("by dialog: status %d, %d dialogs", c.status, n)
	}
	c.hides(sstest.Passphrase, w.secret)
}

// TestMigrate moves keys from one keystore to another and back.
func TestMigrate(t *testing.T) {
	w, d := keyring(t)
	w.env["AWS_VAULT_FILE_PASSPHRASE"] = passphrase
	w.store("simple", "bastion")
	w.vault("export", "simple", "--format", "json").check(t, "export", 0)
	migrate := func(code int, args ...string) result {
		t.Helper()
		r := w.vault(append([]string{"migrate"}, args...)...)
		r.check(t, "migrate "+strings.Join(args, " "), code)
		return r
	}
	migrate(0, "--from", "secret-service", "--to", "file", "--dry-run").check(t, "dry run", 0, `would copy the access key of profile "simple"`)
	if w.has(sealedFile) {
		t.Fatal("a dry run wrote")
	}
	migrate(0, "--from", "secret-service", "--to", "file", "--profile", "simple")
	if x := w.read(indexFile); !strings.Contains(x, `"backend": "secret-service"`) || !strings.Contains(x, `"backend": "file"`) {
		t.Errorf("one moved: %s", x)
	}
	// Each is found where it is, whatever is chosen for new ones.
	for _, profile := range []string{"simple", "bastion"} {
		w.vault("export", profile, "--no-session", "--format", "json").check(t, profile, 0)
	}
	r := w.vault("export", "bastion", "--no-session", "--format", "json", "--backend", "file")
	r.check(t, "another keystore named", 1, `no access key is stored`, `its key is in the keystore "secret-service"`)

	migrate(0, "--from", "secret-service", "--to", "file", "--delete").check(t, "delete", 0, "removed the originals")
	if x := w.read(indexFile); strings.Contains(x, "secret-service") {
		t.Errorf("all moved: %s", x)
	}
	d.Kill() // nothing is wanted from it any more
	calls := w.aws.CallCount("GetSessionToken")
	w.vault("export", "simple", "--format", "json").check(t, "sessions are still read", 0)
	if n := w.aws.CallCount("GetSessionToken"); n != calls {
		t.Error("the cached session was lost")
	}
	d.Restart()
	migrate(0, "--from", "file", "--to", "secret-service")
	migrate(0, "--from", "file", "--to", "secret-service") // again: nothing to do is no error
	migrate(2, "--from", "file", "--to", "file")
	migrate(2, "--from", "paper", "--to", "file")
	migrate(2, "--from", "file", "--to", "secret-service", "--profile", "nobody").check(t, "unknown profile", 2, `holds no key of profile "nobody"`)

	// A key is never replaced by another.
	id, secret := w.user.NewKey()
	w.run(id+"\n"+secret+"\n", w.environ(), binary, "add", "simple", "--overwrite", "--stdin", "--no-verify").check(t, "add", 0)
	migrate(1, "--from", "file", "--to", "secret-service", "--delete").check(t, "other", 1, "another value is there already", "the originals are untouched")
	if r := w.vault("export", "simple", "--no-session", "--format", "json"); !strings.Contains(r.stdout, id) {
		t.Errorf("the new key is lost: %+v", r)
	}
	w.vault("reset", "--yes").check(t, "reset", 0, `the access key of profile "simple" in the Secret Service`, "removed")
	if r := w.vault("reset", "--yes"); !strings.Contains(r.stderr, "nothing to remove") {
		t.Errorf("left: %s", r.stderr)
	}
}

// TestPin warns once where a choice goes past the keys that there are.
func TestPin(t *testing.T) {
	w, _ := keyring(t)
	w.store("simple")
	w.env["AWS_VAULT_FILE_PASSPHRASE"] = passphrase
	w.write(".config/vault/config.toml", "backend = \"file\"\n")
	add := func(profile string) result {
		return w.run(w.keyID+"\n"+w.secret+"\n", w.environ(), binary, "add", profile, "--stdin", "--no-verify")
	}
	const warning = `the keys are in "secret-service"`
	add("plain").check(t, "first", 0, warning, "migrate --from secret-service --to file")
	if r := add("dev"); r.code != 0 || strings.Contains(r.stderr, warning) {
		t.Errorf("second: %+v", r)
	}
	if x := w.read(indexFile); !strings.Contains(x, "\t\"backend\": \"secret-service\",\n\t\"keys\"") || strings.Count(x, `"backend": "file"`) != 2 {
		t.Errorf("index: %s", x)
	}
	for _, profile := range []string{"simple", "plain"} {
		w.vault("export", profile, "--no-session", "--format", "json").check(t, profile, 0)
	}
}
