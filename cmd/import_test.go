package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wrapped returns the user's key as 99designs/keyring keeps it for a profile.
func (w *world) wrapped(profile string) string {
	w.t.Helper()
	payload := map[string]any{"AccessKeyID": w.keyID, "SecretAccessKey": w.secret, "SessionToken": "", "Source": "", "CanExpire": false, "Expires": "0001-01-01T00:00:00Z"}
	data, err := json.Marshal(payload)
	if err == nil {
		data, err = json.Marshal(map[string]any{"Key": profile, "Data": data, "Label": "aws-vault (" + profile + ")", "KeychainNotTrustApplication": true})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// wantStored checks that vault can use the key of a profile, and that the
// secret is nowhere in clear.
func (w *world) wantStored(profile string) {
	w.t.Helper()
	if r := w.vault("export", profile, "--format", "json"); r.code != 0 || !strings.Contains(r.stdout, "SessionToken") {
		w.t.Errorf("%s is not stored: %+v", profile, r)
	}
	if out, err := exec.Command("grep", "-rlF", w.secret, w.home).Output(); err == nil {
		w.t.Errorf("in clear: %s", out)
	}
}

// TestImportService takes keys from collections of a real gnome-keyring, as
// aws-vault and granted write them.
func TestImportService(t *testing.T) {
	w, d := keyring(t)
	d.Other("awsvault", map[string]string{
		"work": w.wrapped("work"), "a/b": w.wrapped("a/b"), "junk": "{}", "line\nbreak": w.wrapped("line\nbreak"),
		"sts.AssumeRole,YmFzZQ,,1795194955": "session", "oidc:https://x.awsapps.com/start": "token",
	})
	d.Other("granted-aws-iam-credentials", map[string]string{"other": w.wrapped("other")})
	r := w.vault("import", "--dry-run")
	r.check(t, "dry run", 1, `"junk": not a key`, `profile "line\nbreak" in aws-vault (Secret Service, awsvault): a profile's name is made of`)
	for _, want := range []string{"work     " + w.keyID, "a/b      " + w.keyID, "other    " + w.keyID} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("stdout lacks %q:\n%s", want, r.stdout)
		}
	}
	if w.has(indexFile) || strings.Contains(r.stdout+r.stderr, w.secret) {
		t.Error("the dry run wrote something, or told the secret")
	}
	w.vault("import", "--yes").check(t, "import", 1, "imported 3 of 3 keys into the Secret Service")
	for _, profile := range []string{"work", "a/b", "other"} {
		w.wantStored(profile)
	}
	w.vault("import", "granted", "--yes").check(t, "again", 0)

	// It is locked, and nobody is there: nothing is asked, nothing is lost.
	d.Restart()
	w.vault("import", "aws-vault", "--dry-run").check(t, "locked, dry run", 0, "aws-vault (Secret Service, awsvault) is locked: not opened")
	w.vault("import", "aws-vault", "--yes").check(t, "locked", 4, "aws-vault (Secret Service, awsvault): ", "locked")
	d.Kill()
	w.vault("import", "aws-vault", "--yes").check(t, "no keyring", 0, "no keys of other programs were found")
}

// TestImportPass takes keys from a real password store.
func TestImportPass(t *testing.T) {
	need(t, "pass")
	need(t, "gpg")
	w := newWorld(t)
	gpg, err := os.MkdirTemp("/tmp", "gpg") // a short path, for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	w.env["GNUPGHOME"] = gpg
	t.Cleanup(func() {
		w.run("", w.environ(), "gpgconf", "--kill", "gpg-agent")
		_ = os.RemoveAll(gpg)
	})
	pass := func(stdin string, args ...string) {
		t.Helper()
		if r := w.run(stdin, w.environ(), args[0], args[1:]...); r.code != 0 {
			t.Fatalf("%q: %+v", args, r)
		}
	}
	pass("", "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "vault@example.com", "future-default", "default", "never")
	pass("", "pass", "init", "vault@example.com")
	insert := func(name, text string) { pass(text, "pass", "insert", "--multiline", name) }
	insert("simple", w.wrapped("simple"))
	insert("bastion", "hunter2\n")              // a password, under the name of a profile
	insert("mail", "hunter3\n")                 // another, that nobody has to read
	insert("aws/new one", w.wrapped("new one")) // below a prefix
	insert("aws/team/dev", w.wrapped("team/dev"))

	// Nobody said that aws-vault uses pass: it is not looked at.
	w.vault("import", "--yes").check(t, "unasked", 0, "no keys of other programs were found")

	w.env["AWS_VAULT_BACKEND"] = "pass"
	r := w.vault("import", "--backend", "file", "--dry-run")
	r.check(t, "dry run", 0)
	if !strings.Contains(r.stdout, "simple   sealed, not opened  aws-vault (pass, ~/.password-store)") || strings.Contains(r.stdout, "mail") {
		t.Errorf("dry run: %s", r.stdout)
	}
	w.vault("import", "--backend", "file", "--yes").check(t, "import", 0, "imported 1 of 1 key")
	delete(w.env, "AWS_VAULT_BACKEND")
	w.wantStored("simple")

	w.env["AWS_VAULT_PASS_PREFIX"] = "aws"
	w.vault("import", "--yes").check(t, "prefix", 2, "imported 1 of 1 key", `profile "new one" in aws-vault (pass, ~/.password-store/aws): a profile's name is made of`)
	w.wantStored("team/dev")
}

// TestImportKeychain has what macOS's own program prints: it was not run on
// macOS.
func TestImportKeychain(t *testing.T) {
	w := newWorld(t)
	w.write("Library/Keychains/aws-vault.keychain-db", "")
	w.write("bin/security", `#!/bin/sh
case "$1" in
dump-keychain) test "$2" = "$HOME/Library/Keychains/aws-vault.keychain-db" && cat <<'END'
keychain: "/Users/alice/Library/Keychains/aws-vault.keychain-db"
version: 512
class: "genp"
attributes:
    0x00000007 <blob>="aws-vault (work)"
    "acct"<blob>="work"
    "desc"<blob>=<NULL>
    "svce"<blob>="aws-vault"
keychain: "/Users/alice/Library/Keychains/aws-vault.keychain-db"
class: "genp"
attributes:
    "acct"<blob>=0x6CC3A9  "l\303\251"
    "svce"<blob>="aws-vault"
keychain: "/Users/alice/Library/Keychains/aws-vault.keychain-db"
class: "genp"
attributes:
    "acct"<blob>="mail"
    "svce"<blob>="another"
keychain: "/Users/alice/Library/Keychains/aws-vault.keychain-db"
class: "genp"
attributes:
    "acct"<blob>="sts.AssumeRole,YmFzZQ,,1795194955"
    "svce"<blob>="aws-vault"
END
;;
find-generic-password) test "$2 $3 $4 $6 $7" = "-s aws-vault -a -w $HOME/Library/Keychains/aws-vault.keychain-db" || exit 1
  test "$5" = work || exit 51
  cat "$HOME/payload" ;;
esac
`)
	w.executable("bin/security")
	w.env["PATH"] = filepath.Join(w.home, "bin") + string(os.PathListSeparator) + w.env["PATH"]
	var item struct{ Data []byte }
	if err := json.Unmarshal([]byte(w.wrapped("work")), &item); err != nil {
		t.Fatal(err)
	}
	w.write("payload", string(item.Data)+"\n")
	w.vault("import", "--yes").check(t, "import", 1, "imported 1 of 1 key", `aws-vault (Keychain, aws-vault): "lé": security ended with exit status 51`)
	if err := os.Remove(filepath.Join(w.home, "payload")); err != nil {
		t.Fatal(err)
	}
	w.wantStored("work")
}
