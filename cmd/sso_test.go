package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shellvault/vault/sts/ststest"
)

// ssoConfig is a config with an Identity Center.
const ssoConfig = `[sso-session corp]
sso_start_url = ` + startURL + `
sso_region = eu-central-1
sso_registration_scopes = sso:account:access
[profile bastion]
[profile dev]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = Developer
region = eu-west-1
[profile dev2]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = Developer
duration_seconds = 900
`

// newSSOWorld is a world with an Identity Center in place of keys.
func newSSOWorld(t *testing.T, settings string) (*world, *ststest.IdentityCenter) {
	t.Helper()
	need(t, "curl")
	w := newWorld(t)
	center := w.center()
	w.config(ssoConfig)
	w.write(".config/vault/config.toml", settings)
	w.env["BROWSER"] = filepath.Join(w.home, "browser")
	return w, center
}

func (w *world) signIn() {
	w.t.Helper()
	if r := w.vault("sso", "login", "corp"); r.code != 0 {
		w.t.Fatalf("%+v", r)
	}
}

// TestSSOUse switches a shell that nobody is signed in for: a browser opens,
// and the prompt comes back with the role.
func TestSSOUse(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w, _ := newSSOWorld(t, "sso_flow = \"pkce\"\n")
		w.store("bastion")
		c := w.console(t, setup{shell: shell})
		c.write("vault/config.toml", "sso_flow = \"pkce\"\n")
		if out := c.ok("vault use dev"); !strings.Contains(out, "vault: sign in to corp in the browser") {
			t.Errorf("%s: %s", shell, out)
		}
		c.inUse("dev", "eu-west-1")
		if out := c.ok("vault use dev2"); strings.Contains(out, "sign in") {
			t.Errorf("%s: signed in again: %s", shell, out)
		}
		if n := w.aws.CallCount("Authorize"); n != 1 {
			t.Errorf("%s: %d visits", shell, n)
		}
	})
}

// TestSSOInterrupted gives up a sign-in: the shell is as it was, and the next
// one works.
func TestSSOInterrupted(t *testing.T) {
	inShells(t, func(t *testing.T, shell string) {
		w, _ := newSSOWorld(t, "")
		w.store("bastion")
		w.write("browser", "#!/bin/sh\n") // goes nowhere
		c := w.console(t, setup{shell: shell})
		before := c.environ()
		c.line("vault use dev")
		c.expect("sign in to corp")
		c.expect("code")
		// While it waits, who cannot be asked does not wait.
		if r := w.run("", w.environ("XDG_CONFIG_HOME="+c.dir, "XDG_DATA_HOME="+filepath.Join(w.home, ".local/share")), binary, "credential-process", "dev"); r.code != 5 ||
			!strings.Contains(r.stderr, "a person is being asked to sign in") || r.stdout != "" {
			t.Errorf("%s: unattended: %+v", shell, r)
		}
		c.send("\x03")
		c.prompt()
		if c.status != 130 {
			t.Errorf("%s: status %d", shell, c.status)
		}
		c.same(before, c.environ(), "after ^C")
		w.center()
		c.ok("vault use dev")
		c.inUse("dev", "eu-west-1")
	}, "zsh", "fish")
}

// TestSSOManyAtOnce starts many processes when the token has ended: one renews
// it, and no person is asked.
func TestSSOManyAtOnce(t *testing.T) {
	w, center := newSSOWorld(t, "")
	w.store("bastion")
	center.SetTokenLife(time.Minute) // renewed at once
	w.signIn()
	center.SetTokenLife(8 * time.Hour)
	w.aws.ResetCalls()
	const n = 50
	results := make([]result, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { results[i] = w.vault("credential-process", []string{"dev", "dev2"}[i%2]) })
	}
	group.Wait()
	for _, r := range results {
		var answer struct{ SessionToken string }
		if err := json.Unmarshal([]byte(r.stdout), &answer); r.code != 0 || err != nil || answer.SessionToken == "" {
			t.Fatalf("%d: %s", r.code, r.stderr)
		}
	}
	calls := w.aws.Calls()
	if calls["CreateToken"] != 1 || calls["GetRoleCredentials"] != 1 || calls["DevicePage"] != 0 {
		t.Errorf("calls %v", calls)
	}
}

// TestSSOHolderKilled kills a process that waits for a person: the next does
// not wait for it, and is not misled by what it left.
func TestSSOHolderKilled(t *testing.T) {
	w, _ := newSSOWorld(t, "sso_flow = \"pkce\"\n")
	w.store("bastion")
	w.env["BROWSER"] = ""
	c := exec.Command(binary, "sso", "login", "corp")
	c.Env, c.Dir, c.SysProcAttr = w.environ(), w.home, newSession
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1)
	if _, err := said.Read(buf); err != nil { // it asks: the mark is there
		t.Fatal(err)
	}
	pending := func() []string {
		list, _ := filepath.Glob(filepath.Join(w.dir, "run", "vault", "*.pending"))
		return list
	}
	if len(pending()) != 1 {
		t.Errorf("marks %q", pending())
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if r := w.vault("credential-process", "dev"); r.code != 5 || !strings.Contains(r.stderr, "a sign-in is needed") {
		t.Errorf("%+v", r)
	}
	w.env["BROWSER"] = filepath.Join(w.home, "browser")
	w.signIn()
	if r := w.vault("credential-process", "dev"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if left := pending(); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// TestSSOSharedWithCLI signs in for the AWS CLI, which reads the token, renews
// it, and leaves one that vault takes.
func TestSSOSharedWithCLI(t *testing.T) {
	aws := awsCLI(t)
	w, center := newSSOWorld(t, "sso_cache = \"shared\"\n")
	w.store("bastion")
	cli := func() {
		t.Helper()
		r := w.run("", w.environ("AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER="), aws[0],
			append(aws[1:len(aws):len(aws)], "sts", "get-caller-identity", "--profile", "dev", "--output", "text", "--query", "Arn")...)
		if want := "arn:aws:sts::222222222222:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/alice"; r.code != 0 || strings.TrimSpace(r.stdout) != want {
			t.Fatalf("%+v", r)
		}
	}
	center.SetTokenLife(10 * time.Minute) // the CLI renews what has less than 15
	w.signIn()
	files, _ := filepath.Glob(filepath.Join(w.home, ".aws/sso/cache/*.json"))
	if len(files) != 1 {
		t.Fatalf("files %q", files)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	before, _ := os.ReadFile(files[0])
	center.SetTokenLife(8 * time.Hour)
	cli()
	after, _ := os.ReadFile(files[0])
	if string(before) == string(after) || w.aws.CallCount("CreateToken") != 2 {
		t.Errorf("the AWS CLI has not renewed the token: %v", w.aws.Calls())
	}
	if r := w.vault("credential-process", "dev"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if n := w.aws.CallCount("CreateToken"); n != 2 {
		t.Errorf("CreateToken was called %d times", n)
	}
	// And vault's renewal serves the CLI.
	center.SetTokenLife(8 * time.Hour)
	center.RevokeAccess()
	w.vault("clear")
	if r := w.vault("credential-process", "dev"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	cli()
	// Out: the CLI is too.
	if r := w.vault("sso", "logout", "corp"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if left, _ := filepath.Glob(filepath.Join(w.home, ".aws/sso/cache/*.json")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// TestSSOWithoutKeystore signs in where there is no keystore yet.
func TestSSOWithoutKeystore(t *testing.T) {
	w, _ := newSSOWorld(t, "")
	w.signIn()
	for range 2 {
		if r := w.vault("credential-process", "dev"); r.code != 0 || r.stderr != "" {
			t.Fatalf("%+v", r)
		}
	}
	if n := w.aws.CallCount("GetRoleCredentials"); n != 1 {
		t.Errorf("%d calls", n)
	}
	// Sessions may go, and the sign-in stays.
	w.vault("clear")
	if r := w.vault("credential-process", "dev"); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// TestSSOSecretsStayInside looks for tokens in what is printed and what lies
// on the disk.
func TestSSOSecretsStayInside(t *testing.T) {
	w, center := newSSOWorld(t, "sso_flow = \"pkce\"\n")
	w.store("bastion")
	var said strings.Builder
	run := func(args ...string) {
		r := w.vault(args...)
		said.WriteString(r.stderr)
		if args[0] != "credential-process" {
			said.WriteString(r.stdout)
		}
	}
	run("sso", "login", "corp")
	run("credential-process", "dev")
	run("explain", "dev", "--json")
	run("list", "--json")
	center.RevokeAccess()
	run("clear")
	run("credential-process", "dev")
	run("sso", "sync", "corp", "--dry-run")
	tokens := w.aws.Tokens()
	run("sso", "logout")
	if len(tokens) < 3 {
		t.Fatalf("tokens %d", len(tokens))
	}
	for _, canary := range tokens {
		if strings.Contains(said.String(), canary) {
			t.Errorf("a token was printed:\n%s", said.String())
		}
		err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if strings.Contains(string(data), canary) {
				t.Errorf("%s holds a token", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
