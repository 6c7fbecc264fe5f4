package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/shellvault/vault/cmd" // built below: its changes make cached results void
	"github.com/shellvault/vault/sts/ststest"
)

// binary is the vault under test, built as it is released.
var binary string

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "vault-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "bin", "vault")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "github.com/shellvault/vault/cmd/vault")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// need returns the path of a program, or skips the test. Continuous
// integration has all of them: there a missing one is an error.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// A world is a home with a config, and the AWS that the config speaks of: a
// user with an MFA device in account 111111111111, whose key is stored for
// profile "bastion", and roles in other accounts.
type world struct {
	t    testing.TB
	aws  *ststest.Server
	user *ststest.User
	mfa  *ststest.MFA
	dir  string
	home string
	env  map[string]string

	keyID, secret string
}

const passphrase = "correct horse battery"

// newWorld makes a world. Its keystore is sealed under passphrase, which
// AWS_VAULT_FILE_PASSPHRASE gives, and empty; store fills it.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, aws: ststest.New(time.Now), dir: t.TempDir()}
	t.Cleanup(w.aws.Close)
	w.user = w.aws.AddUser("111111111111", "alice")
	w.mfa = w.user.AddMFA("alice")
	w.keyID, w.secret = w.user.NewKey()
	for account, role := range map[string]string{"222222222222": "Developer", "333333333333": "Deployer", "444444444444": "Admin"} {
		w.aws.AddRole(account, role, ststest.Trust{Principals: []string{"111111111111"}, RequireMFA: role == "Admin", MaxSessionDuration: 4 * time.Hour})
	}
	w.home = filepath.Join(w.dir, "home")
	for _, dir := range []string{"home/.aws", "run", "tmp"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.env = map[string]string{
		"HOME": w.home, "USER": "tester", "LC_ALL": "C.UTF-8", "TERM": "xterm", "SHELL": "/bin/sh",
		"PATH":                      filepath.Dir(binary) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"XDG_RUNTIME_DIR":           filepath.Join(w.dir, "run"),
		"TMPDIR":                    filepath.Join(w.dir, "tmp"),
		"AWS_ENDPOINT_URL":          w.aws.URL(),
		"AWS_VAULT_FILE_PASSPHRASE": passphrase,
	}
	t.Cleanup(func() {
		// What rests in the kernel's keyring for this home goes too.
		_ = os.Remove(filepath.Join(w.home, ".config", "vault", "config.toml"))
		w.vault("clear")
		w.vault("lock")
	})
	w.config(`# made for a test
[profile bastion]
region = eu-central-1
mfa_serial = ` + w.mfa.Serial() + `

[profile dev]
role_arn = arn:aws:iam::222222222222:role/Developer
source_profile = bastion
mfa_serial = ` + w.mfa.Serial() + `
region = eu-west-1

[profile staging]
role_arn = arn:aws:iam::333333333333:role/Deployer
source_profile = bastion
mfa_serial = ` + w.mfa.Serial() + `

[profile prod]
role_arn = arn:aws:iam::444444444444:role/Admin
source_profile = bastion
mfa_serial = ` + w.mfa.Serial() + `
region = us-east-1

[profile plain]
role_arn = arn:aws:iam::222222222222:role/Developer
source_profile = simple
region = eu-west-1

[profile simple]
region = eu-west-2
`)
	return w
}

func (w *world) config(text string) {
	w.t.Helper()
	w.write(".aws/config", text)
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) executable(name string) {
	w.t.Helper()
	if err := os.Chmod(filepath.Join(w.home, name), 0o700); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.home, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// environ returns the world's environment with changes, NAME=VALUE or, to take
// one away, NAME.
func (w *world) environ(changes ...string) []string {
	env := map[string]string{}
	for name, value := range w.env {
		env[name] = value
	}
	for _, c := range changes {
		name, value, set := strings.Cut(c, "=")
		delete(env, name)
		if set {
			env[name] = value
		}
	}
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// A result is what a command did.
type result struct {
	stdout, stderr string
	code           int
}

// vault runs the binary in the world, with no terminal.
func (w *world) vault(args ...string) result {
	w.t.Helper()
	return w.run("", w.environ(), binary, args...)
}

// run runs a program in a session of its own, so that it has no terminal.
func (w *world) run(stdin string, environ []string, program string, args ...string) result {
	w.t.Helper()
	c := exec.Command(program, args...)
	c.Env, c.Dir, c.SysProcAttr = environ, w.home, newSession
	c.Stdin = strings.NewReader(stdin)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	r := result{out.String(), errs.String(), c.ProcessState.ExitCode()}
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		w.t.Fatal(err)
	}
	return r
}

// store stores the user's key for profiles.
func (w *world) store(profiles ...string) {
	w.t.Helper()
	for _, p := range profiles {
		r := w.run(w.keyID+"\n"+w.secret+"\n", w.environ(), binary, "add", p, "--stdin", "--no-verify")
		if r.code != 0 {
			w.t.Fatalf("add %s: %d %s", p, r.code, r.stderr)
		}
	}
}

// code returns an MFA code that AWS will take.
func (w *world) code() string {
	w.t.Helper()
	code, ok := w.mfa.Unused()
	if !ok {
		w.t.Fatal("all codes of this minute are used")
	}
	return code
}
